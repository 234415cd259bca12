import type { Capability, Gate, Implementation } from "@understudy/core";
import type { Redis } from "@understudy/queue";
import {
  createBulkhead,
  createCircuitBreaker,
  createLink,
  createRateLimiter,
  createRetryBudget,
  type Link,
  openPaceStore,
} from "@understudy/resilience";
import type { RuntimeEvent } from "@understudy/runtime";

const steadyNow = (): number => performance.timeOrigin + performance.now();

interface Parts<Config, C extends Capability> {
  readonly provider: string;
  readonly implementation: Implementation<Config, C>;
  readonly config: Config;
  readonly concurrency: number;
  /** What a fleet shares. */
  readonly redis: Redis;
  readonly namespace: string;
}

/** A provider behind the gates that apps/worker/src/routes.ts puts before it; the circuit is this worker's alone. */
export function linkOf<Config, C extends Capability>(parts: Parts<Config, C>): Link<C> {
  const { provider, implementation, config, concurrency } = parts;
  const circuit = createCircuitBreaker({ now: steadyNow });
  const slots = createBulkhead({ now: steadyNow, maxConcurrent: concurrency, retryAfterMs: 2000 });
  const isSink = implementation.capability.sinks === true;
  return createLink({
    provider,
    implementation,
    config,
    gates: [circuit, ...(isSink ? [] : [slots]), ...accountGates(parts)],
    ...(isSink ? { slots } : {}),
    timeoutMs: 15_000,
    now: Date.now,
    health: () => circuit.health(),
  });
}

function accountGates<Config, C extends Capability>(parts: Parts<Config, C>): readonly Gate[] {
  const { provider, redis, namespace } = parts;
  const shared = { store: openPaceStore(redis, namespace), isReachable: () => true };
  return [
    createRetryBudget({ now: steadyNow, shared: { ...shared, provider } }),
    createRateLimiter({ now: steadyNow, limits: [], shared: { ...shared, account: provider } }),
  ];
}

/** Upper bounds in seconds, as those of the worker's histogram. */
const buckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/**
 * What apps/worker/src/metrics.ts does with an event: counters and a histogram by labels. Not with its library, for an app imports no
 * other one.
 */
export function createCounters(): (event: RuntimeEvent) => void {
  const counts = new Map<string, number>();
  const inc = (name: string): void => void counts.set(name, (counts.get(name) ?? 0) + 1);
  return (event) => {
    if (event.event === "call") {
      const about = `${event.provider},${event.job},${event.kind}`;
      inc(`calls,${about},${event.code ?? ""}`);
      const seconds = event.durationMs / 1000;
      inc(`seconds,${about},${buckets.find((bound) => seconds <= bound) ?? Infinity}`);
    } else if (event.event === "settled") {
      inc(`settled,${event.queue},${event.job},${event.verdict},${event.cause ?? ""}`);
    }
  };
}
