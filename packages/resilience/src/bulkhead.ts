import type { Gate } from "@understudy/core";

/** While it is full; a call may end at any moment. */
const STEP_MS = 50;

interface Parts {
  readonly now: () => number;
  readonly maxConcurrent: number;
  /** When to come back; each coming costs a start of a job. Default 250 ms. */
  readonly retryAfterMs?: number;
}

/** Lets a provider hold at most `maxConcurrent` calls, so that one that hangs cannot take every slot of a worker. */
export function createBulkhead({ now, maxConcurrent, retryAfterMs = 250 }: Parts): Gate {
  let calls = 0;
  return {
    capacity: () => ({ room: maxConcurrent - calls, opensAt: now() + STEP_MS }),
    admit() {
      if (calls >= maxConcurrent) return { ok: false, code: "bulkhead_full", retryAfterMs };
      calls += 1;
      return {
        ok: true,
        settle() {
          calls -= 1;
        },
      };
    },
  };
}
