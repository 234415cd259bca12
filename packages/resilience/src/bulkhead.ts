import type { Gate } from "@understudy/core";

const RETRY_AFTER_MS = 250;

/** Lets a provider hold at most `maxConcurrent` calls, so that one that hangs cannot take every slot of a worker. */
export function createBulkhead({ maxConcurrent }: { readonly maxConcurrent: number }): Gate {
  let calls = 0;
  return {
    opensAt: () => 0,
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
