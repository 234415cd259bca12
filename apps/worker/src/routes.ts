import type { AnyProvider, Capability, Gate } from "@understudy/core";
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

/** Builds the routes of this worker: each provider's adapter inside its gates, in the configured order. */
export function createRoutes(
  config: WorkerConfig,
  capabilities: readonly Capability[],
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
  return capabilities.map((capability) => ({
    capability,
    links: (config.routes.get(capability.name) ?? []).flatMap((name) => {
      const provider = providers[name];
      const settings = config.providers.get(name);
      if (provider === undefined || settings === undefined) return [];
      return [linkOf(config, capability, provider, settings, accounts.get(name) ?? [], onCircuit)];
    }),
  }));
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
  account: readonly Gate[],
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
  return createLink({ provider: name, implementation, config: settings, gates, timeoutMs, now: Date.now });
}
