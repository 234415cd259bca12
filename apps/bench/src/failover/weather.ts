import { setTimeout as sleep } from "node:timers/promises";

import type { Chance } from "./chance.ts";
import type { Sandbox } from "./control.ts";
import { chargeRoute, mailRoute } from "./workload.ts";

/** What may befall a provider; `share` of its requests meet it. */
const faults: readonly Readonly<Record<string, unknown>>[] = [
  { mode: "accept-then-hang", share: 0.3 },
  { mode: "accept-then-500", share: 0.6 },
  { mode: "accept-then-reset", share: 0.6 },
  { mode: "reset-before-answer", share: 0.5 },
  { mode: "html-200", share: 0.5 },
  { mode: "429", share: 0.6, retryAfter: 1 },
  { mode: "503", share: 0.8 },
  { mode: "500", share: 0.5 },
  { mode: "refuse" },
  { mode: "latency", latencyMs: 300 },
];

const providers = [...chargeRoute, ...mailRoute];

/** Lets faults come over the providers, one after another, until it is stopped; then all is well. */
export function startWeather(sandbox: Sandbox, chance: Chance): () => Promise<void> {
  const over = new AbortController();
  const blow = async (): Promise<void> => {
    while (!over.signal.aborted) {
      const durationMs = chance.between(500, 2500);
      await sandbox.fail(chance.oneOf(providers), { ...chance.oneOf(faults), durationMs });
      await sleep(chance.between(150, 700), undefined, { signal: over.signal }).catch(() => undefined);
    }
  };
  const blowing = blow();
  return async () => {
    over.abort();
    await blowing;
    await sandbox.mend();
  };
}
