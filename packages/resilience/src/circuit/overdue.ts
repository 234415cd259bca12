/** A call that is out. */
export interface Timed {
  readonly since: number;
  isSlow: boolean;
}

/** Notices calls that take too long while they are still out. */
export interface Overdue {
  begin(): Timed;
  end(call: Timed): void;
  /** Whether any has become slow since this was last asked. */
  look(): boolean;
  /** When the oldest of the calls that are out began; slow ones included. */
  oldest(): number | undefined;
  /** Calls that are out are no longer looked at. */
  forget(): void;
}

/** @param onSlow called once for each call that takes longer than `slowMs` */
export function createOverdue(slowMs: number, now: () => number, onSlow: () => void): Overdue {
  // In the order in which they began, so that only the oldest are looked at.
  const out = new Set<Timed>();
  const slow = new Set<Timed>();
  const look = (): boolean => {
    let found = false;
    for (const call of out) {
      if (now() - call.since < slowMs) break;
      out.delete(call);
      slow.add(call);
      call.isSlow = true;
      found = true;
      onSlow();
    }
    return found;
  };
  return {
    begin() {
      const call = { since: now(), isSlow: false };
      out.add(call);
      return call;
    },
    end(call) {
      look();
      out.delete(call);
      slow.delete(call);
    },
    look,
    oldest() {
      const [call] = slow.size > 0 ? slow : out;
      return call?.since;
    },
    forget() {
      out.clear();
      slow.clear();
    },
  };
}
