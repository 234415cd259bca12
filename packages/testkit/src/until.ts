import { setTimeout as sleep } from "node:timers/promises";

/**
 * Waits for a fact: asks again until the answer is neither undefined nor false, and gives it.
 * @param what says in the error what was waited for
 */
export async function until<T>(
  what: string,
  ask: () => T | Promise<T>,
  withinMs = 10_000,
): Promise<Exclude<T, undefined | false>> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer as Exclude<T, undefined | false>;
    if (performance.now() > deadline) throw new Error(`waited ${withinMs} ms in vain for: ${what}`);
    await sleep(10);
  }
}
