/**
 * The slots of a queue's jobs. One that takes far longer than usual gives its slot up though it is not over, so that jobs which
 * hang hold up no others; how many may hang is for others to bound.
 */
export interface Slots {
  free(): number;
  /** Again for the same job: it keeps what it has. */
  take(jobId: string): void;
  giveBack(jobId: string): void;
  /** Calls back once, when a slot is given up; not when a job ends. */
  watch(onFree: () => void): void;
  shut(): void;
}

/** So many times the usual is far longer; within these bounds. */
const FAR_LONGER = 8;
const MIN_LONG_MS = 250;
const MAX_LONG_MS = 5000;
const FIRST_GUESS_MS = 150;
/** By how much one job moves what is usual. */
const STEP = 1.05;

export function createSlots(concurrency: number, now: () => number): Slots {
  // In the order in which they began, so that only the oldest are looked at.
  const young = new Map<string, number>();
  const old = new Map<string, number>();
  let usualMs = FIRST_GUESS_MS;
  let watching: NodeJS.Timeout | undefined;

  const longMs = (): number => Math.min(Math.max(usualMs * FAR_LONGER, MIN_LONG_MS), MAX_LONG_MS);
  const free = (): number => {
    for (const [id, since] of young) {
      if (now() - since < longMs()) break;
      young.delete(id);
      old.set(id, since);
    }
    return concurrency - young.size;
  };
  const stop = (): void => {
    clearTimeout(watching);
    watching = undefined;
  };
  const watch = (onFree: () => void): void => {
    if (watching !== undefined) return;
    const [oldest = now()] = young.values();
    watching = setTimeout(
      () => {
        watching = undefined;
        if (free() > 0) onFree();
        else watch(onFree);
      },
      Math.max(1, oldest + longMs() - now()),
    );
  };

  return {
    free,
    take(jobId) {
      if (!young.has(jobId) && !old.has(jobId)) young.set(jobId, now());
    },
    giveBack(jobId) {
      const since = young.get(jobId) ?? old.get(jobId);
      if (since === undefined) return;
      young.delete(jobId);
      old.delete(jobId);
      // Towards the median, which a few that hang do not move.
      usualMs = now() - since > usualMs ? usualMs * STEP : Math.max(1, usualMs / STEP);
    },
    watch,
    shut: stop,
  };
}
