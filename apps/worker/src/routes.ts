import type { AnyJob, AnyProvider, Capability, Gate } from "@understudy/core";
import {
  type CircuitState,
  createBulkhead,
  createCircuitBreaker,
  createLink,
  createRateLimiter,
  type Link,
  type Route,
} from "@understudy/resilience";

import type { ProviderConfig, WorkerConfig } from "./config.ts";

type OnCircuit = (change: {
  readonly provider: string;
  readonly capability: string;
  readonly state: CircuitState;
}) => void;

/**
 * Builds the routes of this worker: each provider's adapter inside its gates, in the configured order.
 * @param jobs those that this worker runs
 */
export function createRoutes(
  config: WorkerConfig,
  jobs: readonly AnyJob[],
  providers: Readonly<Record<string, AnyProvider>>,
  onCircuit: OnCircuit,
): readonly Route[] {
  // One account, one pace: what a provider is asked for different capabilities shares its limits.
  const accounts = new Map(
    [...config.providers].map(([name, { perSecond, concurrent }]) => [
      name,
      accountGates(perSecond, concurrent),
    ]),
  );
  return capabilitiesOf(config, jobs).map((capability) => ({
    capability,
    links: (config.routes.get(capability.name) ?? []).flatMap((name) => {
      const provider = providers[name];
      const settings = config.providers.get(name);
      if (provider === undefined || settings === undefined) return [];
      const gates = { account: accounts.get(name) ?? [], ...slotsOf(config, jobs, capability) };
      return [linkOf(config, capability, provider, settings, gates, onCircuit)];
    }),
  }));
}

function capabilitiesOf({ routes }: WorkerConfig, jobs: readonly AnyJob[]): readonly Capability[] {
  const all = new Set<Capability>(jobs.map(({ capability }) => capability as Capability));
  return [...all].filter(({ name }) => routes.has(name));
}

/** A full share is looked at again by every job that waits for it, at the cost of a start. */
const SHARE_RETRY_MS = 2000;

/** Where providers are sinks each may hold its share of the queue's slots, so that one that hangs holds up no other. */
function slotsOf(
  config: WorkerConfig,
  jobs: readonly AnyJob[],
  { name, sinks }: Capability,
): { readonly slots?: Gate } {
  if (sinks !== true) return {};
  const queues = new Set(jobs.filter(({ capability }) => capability.name === name).map(({ queue }) => queue));
  const slots = config.queues
    .filter((queue) => queues.has(queue.name))
    .reduce((sum, { concurrency }) => sum + concurrency, 0);
  const maxConcurrent = Math.max(1, Math.floor(slots / (config.routes.get(name)?.length ?? 1)));
  return { slots: createBulkhead({ now: Date.now, maxConcurrent, retryAfterMs: SHARE_RETRY_MS }) };
}

function accountGates(perSecond: number, maxConcurrent: number): readonly Gate[] {
  const limiter = createRateLimiter({ now: Date.now, limit: { perSecond } });
  return maxConcurrent === Infinity ? [limiter] : [createBulkhead({ now: Date.now, maxConcurrent }), limiter];
}

function linkOf(
  config: WorkerConfig,
  capability: Capability,
  provider: AnyProvider,
  { settings }: ProviderConfig,
  { account, slots }: { readonly account: readonly Gate[]; readonly slots?: Gate },
  onCircuit: OnCircuit,
): Link {
  const { name } = provider;
  const implementation = provider.adapters.find((one) => one.capability.name === capability.name);
  if (implementation === undefined) throw new TypeError(`${name} does not implement ${capability.name}`);
  const circuit = createCircuitBreaker({
    now: Date.now,
    options: config.circuit,
    onChange: (state) => onCircuit({ provider: name, capability: capability.name, state }),
  });
  const gates = [circuit, ...account];
  const timeoutMs = config.callTimeoutMs;
  return createLink({
    provider: name,
    implementation,
    config: settings,
    gates,
    timeoutMs,
    now: Date.now,
    ...(slots === undefined ? {} : { slots }),
    ...(config.lookUpAfterMs === undefined ? {} : { trustNotFoundAfterMs: config.lookUpAfterMs }),
  });
}
