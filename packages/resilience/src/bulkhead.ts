import type { Gate } from "@understudy/core";

const RETRY_AFTER_MS = 250;
/** While it is full; a call may end at any moment. */
const STEP_MS = 50;

interface Parts {
  readonly now: () => number;
  readonly maxConcurrent: number;
}

/** Lets a provider hold at most `maxConcurrent` calls, so that one that hangs cannot take every slot of a worker. */
export function createBulkhead({ now, maxConcurrent }: Parts): Gate {
  let calls = 0;
  return {
    capacity: () => ({ room: maxConcurrent - calls, opensAt: now() + STEP_MS }),
    admit() {
      if (calls >= maxConcurrent) return { ok: false, code: "bulkhead_full", retryAfterMs: RETRY_AFTER_MS };
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
