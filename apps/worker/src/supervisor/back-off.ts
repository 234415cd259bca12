const FIRST_MS = 1000;
const MAX_MS = 30_000;

/** A worker that was ready for so long starts with a clean sheet. */
export const HEALTHY_MS = 60_000;

/**
 * How long a worker that has ended unasked waits for its restart: not at all the first time, then 1 s doubling to 30 s.
 * @param restarts how many there were since it was last healthy
 */
export function restartDelayMs(restarts: number): number {
  return restarts === 0 ? 0 : Math.min(FIRST_MS * 2 ** (restarts - 1), MAX_MS);
}
