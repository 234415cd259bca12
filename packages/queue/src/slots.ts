/**
 * The slots of a queue's jobs. One that takes far longer than usual gives its slot up though it is not over, so that jobs which
 * hang hold up no others; how many may hang is for others to bound.
 */
export interface Slots {
  free(): number;
  /** Again for the same job: it keeps what it has. */
  take(jobId: string): void;
  giveBack(jobId: string): void;
  /** True when one is free besides `spoken` ones; false when a job has ended meanwhile, or after `shut`. */
  wait(spoken: number): Promise<boolean>;
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
  const waiting = new Set<(isFree: boolean) => void>();
  let usualMs = FIRST_GUESS_MS;
  let isShut = false;

  const longMs = (): number => Math.min(Math.max(usualMs * FAR_LONGER, MIN_LONG_MS), MAX_LONG_MS);
  const age = (): void => {
    for (const [id, since] of young) {
      if (now() - since < longMs()) break;
      young.delete(id);
      old.set(id, since);
    }
  };
  const free = (): number => {
    age();
    return concurrency - young.size;
  };
  const wake = (isFree: boolean): void => {
    for (const resolve of waiting) resolve(isFree);
    waiting.clear();
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
      wake(false);
    },
    async wait(spoken) {
      if (free() > spoken) return true;
      if (isShut) return false;
      const [oldest = now()] = young.values();
      const { promise, resolve } = Promise.withResolvers<boolean>();
      waiting.add(resolve);
      const timer = setTimeout(() => resolve(free() > spoken), Math.max(1, oldest + longMs() - now()));
      const isFree = await promise;
      clearTimeout(timer);
      waiting.delete(resolve);
      return isFree;
    },
    shut() {
      isShut = true;
      wake(false);
    },
  };
}
