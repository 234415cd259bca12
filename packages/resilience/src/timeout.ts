import { setTimeout as sleep } from "node:timers/promises";

import { type Adapter, type Capability, INTERRUPTED, type Outcome } from "@understudy/core";

/** How long an adapter may take to come back after it was told to stop. */
const GRACE_MS = 250;

/**
 * Gives each call a deadline. An adapter that does not heed its signal is left behind, and its call is of unknown fate: it
 * may still have its effect.
 */
export function withTimeout<C extends Capability>(
  provider: string,
  timeoutMs: number,
  now: () => number,
  adapter: Adapter<C>,
): Adapter<C> {
  return async (request, call) => {
    const at = now();
    const deadline = AbortSignal.timeout(timeoutMs);
    const signal = AbortSignal.any([call.signal, deadline]);
    const left = new AbortController();
    try {
      return await Promise.race([adapter(request, { ...call, signal }), abandon(signal, left.signal)]);
    } finally {
      left.abort();
    }

    async function abandon(stop: AbortSignal, answered: AbortSignal): Promise<Outcome<never>> {
      await aborted(stop, answered);
      await sleep(GRACE_MS, undefined, { signal: answered });
      const code = call.signal.aborted ? INTERRUPTED : "timeout";
      const detail = `${provider} was told to stop and did not come back within ${GRACE_MS} ms`;
      return { kind: "ambiguous", code, detail, provider, at, durationMs: now() - at };
    }
  };
}

/** Settles when `stop` aborts; never when `answered` aborts first, for then nobody waits any more. */
async function aborted(stop: AbortSignal, answered: AbortSignal): Promise<void> {
  if (stop.aborted) return;
  await new Promise<void>((resolve) => {
    stop.addEventListener("abort", () => resolve(), { once: true, signal: answered });
  });
}
