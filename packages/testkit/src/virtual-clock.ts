/** A clock that stands until it is moved. */
export interface VirtualClock {
  readonly now: () => number;
  advance(ms: number): void;
}

export function createVirtualClock(startMs = 1_000_000): VirtualClock {
  let time = startMs;
  return {
    now: () => time,
    advance(ms) {
      time += ms;
    },
  };
}
