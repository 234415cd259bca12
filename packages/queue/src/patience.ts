/** Somebody who waits for a bounded time. */
export interface Wait {
  readonly isOver: boolean;
  /** It is no longer needed. */
  end(): void;
}

export interface Patience {
  /** @param onOver called when the time is over, unless the wait has ended before */
  begin(ms: number, onOver: () => void): Wait;
  /** Ends all. */
  close(): void;
}

interface Waiting extends Wait {
  isOver: boolean;
  readonly until: number;
  readonly onOver: () => void;
}

/** Many waits of the same few lengths at the cost of one timer for each length: those of one length are over in their order. */
export function createPatience(now: () => number = () => performance.now()): Patience {
  const lines = new Map<number, Set<Waiting>>();
  const timers = new Map<number, NodeJS.Timeout>();

  const look = (ms: number, line: Set<Waiting>): void => {
    timers.delete(ms);
    const at = now();
    for (const waiting of line) {
      if (waiting.until > at) break;
      line.delete(waiting);
      waiting.isOver = true;
      waiting.onOver();
    }
    arm(ms, line);
  };
  const arm = (ms: number, line: Set<Waiting>): void => {
    const [first] = line;
    if (first === undefined || timers.has(ms)) return;
    timers.set(
      ms,
      setTimeout(() => look(ms, line), Math.max(1, Math.ceil(first.until - now()))),
    );
  };

  return {
    begin(ms, onOver) {
      let line = lines.get(ms);
      if (line === undefined) lines.set(ms, (line = new Set()));
      const waiting: Waiting = {
        isOver: false,
        until: now() + ms,
        onOver,
        end: () => void line.delete(waiting),
      };
      line.add(waiting);
      if (line.size === 1) arm(ms, line);
      return waiting;
    },
    close() {
      for (const timer of timers.values()) clearTimeout(timer);
      timers.clear();
      lines.clear();
    },
  };
}
