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

/** Many waits of the same few lengths at the cost of one timer for each length: those of one length are over in their order. */
export function createPatience(now: () => number = () => performance.now()): Patience {
  const lines = new Map<number, Line>();
  return {
    begin(ms, onOver) {
      let line = lines.get(ms);
      if (line === undefined) lines.set(ms, (line = new Line(ms, now)));
      return line.begin(onOver);
    },
    close() {
      for (const line of lines.values()) line.close();
      lines.clear();
    },
  };
}

class Waiting implements Wait {
  isOver = false;
  readonly until: number;
  onOver: (() => void) | undefined;

  constructor(until: number, onOver: () => void) {
    this.until = until;
    this.onOver = onOver;
  }

  end(): void {
    this.onOver = undefined;
  }
}

/** So many may stand in line before those that have ended are looked for. */
const MANY = 256;

class Line {
  readonly #ms: number;
  readonly #now: () => number;
  // Not a Set: those that V8 makes when one grows or shrinks keep each other's members alive, which cost a third of a producer's time.
  #waits: Waiting[] = [];
  #many = MANY;
  #timer: NodeJS.Timeout | undefined;

  constructor(ms: number, now: () => number) {
    this.#ms = ms;
    this.#now = now;
  }

  begin(onOver: () => void): Wait {
    const wait = new Waiting(this.#now() + this.#ms, onOver);
    if (this.#waits.length >= this.#many) this.#forgetEnded();
    this.#waits.push(wait);
    if (this.#timer === undefined) this.#arm(wait.until);
    return wait;
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#waits = [];
  }

  #forgetEnded(): void {
    this.#waits = this.#waits.filter(({ onOver }) => onOver !== undefined);
    this.#many = 2 * this.#waits.length + MANY;
  }

  #arm(until: number): void {
    // Somebody who was told of the end of one wait may have begun the next.
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(), Math.max(1, Math.ceil(until - this.#now())));
    // Whoever waits has a connection that keeps the process; a wait that has ended must not.
    this.#timer.unref();
  }

  #look(): void {
    this.#timer = undefined;
    const now = this.#now();
    for (const wait of this.#waits) {
      if (wait.until > now) break;
      wait.isOver = true;
      wait.onOver?.();
      wait.end();
    }
    this.#forgetEnded();
    const [first] = this.#waits;
    if (first !== undefined) this.#arm(first.until);
  }
}
