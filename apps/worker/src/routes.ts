import type { AnyJob, AnyProvider, Capability, Gate } from "@understudy/core";
import {
  accountOf,
  type CircuitView,
  createBulkhead,
  createCircuitBreaker,
  createLink,
  createRateLimiter,
  createRetryBudget,
  defaultCircuit,
  type FleetMember,
  type Link,
  type PaceStore,
  type Route,
} from "@understudy/resilience";

import type { ProviderConfig, WorkerConfig } from "./config.ts";
import { circuitEvent, type FleetEvent } from "./fleet-events.ts";
import { steadyNow } from "./steady-clock.ts";

export interface CircuitChange {
  readonly provider: string;
  readonly capability: string;
  readonly view: CircuitView;
}

/** What this worker has found out for itself alone; what all hold is told by the one that changed it. */
export function ownEventOf({ view, ...name }: CircuitChange): FleetEvent | undefined {
  const { state, scope, reason } = view;
  return scope === "fleet" || state.at === "isolated"
    ? undefined
    : circuitEvent(name, { state, reason }, scope);
}

/** What the routes of this worker share with those of the others. */
export interface Shared {
  readonly member: FleetMember;
  readonly pace: PaceStore;
  readonly onCircuit: (change: CircuitChange) => void;
}

interface Parts extends Shared {
  readonly config: WorkerConfig;
  /** Those that this worker runs. */
  readonly jobs: readonly AnyJob[];
  readonly providers: Readonly<Record<string, AnyProvider>>;
}

/** Builds the routes of this worker: each provider's adapter inside its gates, in the configured order. */
export function createRoutes(parts: Parts): readonly Route[] {
  const { config, providers } = parts;
  // One account, one pace: what a provider is asked for different capabilities shares its limits.
  const accounts = new Map(
    [...config.providers].map(([name, one]) => [name, accountGates(name, one, parts)]),
  );
  return capabilitiesOf(parts).map((capability) => {
    const route = config.routes.get(capability.name);
    const links = (route?.providers ?? []).flatMap((name) => {
      const provider = providers[name];
      const settings = config.providers.get(name);
      if (provider === undefined || settings === undefined) return [];
      const gates = [...slotsOf(capability, parts), ...(accounts.get(name) ?? [])];
      return [linkOf(capability, provider, settings, gates, parts)];
    });
    return {
      capability,
      links,
      keepWarm: route?.keepWarm ?? 0,
      ...(route?.weights === undefined ? {} : { weights: route.weights }),
    };
  });
}

function capabilitiesOf({ config, jobs }: Parts): readonly Capability[] {
  const all = new Set<Capability>(jobs.map(({ capability }) => capability as Capability));
  return [...all].filter(({ name }) => config.routes.has(name));
}

/** How many jobs at once the queues of a capability's jobs may run. */
function concurrencyOf({ name }: Capability, { config, jobs }: Parts): number {
  const queues = new Set(jobs.filter(({ capability }) => capability.name === name).map(({ queue }) => queue));
  return config.queues
    .filter((queue) => queues.has(queue.name))
    .reduce((sum, { concurrency }) => sum + concurrency, 0);
}

/** Where providers are rivals each may hold as many calls as its jobs have slots; the queue has spare ones for the others. */
function slotsOf(capability: Capability, parts: Parts): readonly Gate[] {
  if (capability.sinks === true) return [];
  return [bulkheadOf(Math.max(1, concurrencyOf(capability, parts)))];
}

/** Where calls hang there is room no sooner; a full share is looked at again by every job that waits for it, at the cost of a start. */
const SHARE_RETRY_MS = 2000;

function bulkheadOf(maxConcurrent: number): Gate {
  return createBulkhead({ now: steadyNow, maxConcurrent, retryAfterMs: SHARE_RETRY_MS });
}

/** Where providers are sinks each may hold its share of the queue's slots, so that one that hangs holds up no other. */
function shareOf(capability: Capability, parts: Parts): { readonly slots?: Gate } {
  if (capability.sinks !== true) return {};
  const sinks = parts.config.routes.get(capability.name)?.providers.length ?? 1;
  return { slots: bulkheadOf(Math.max(1, Math.floor(concurrencyOf(capability, parts) / sinks))) };
}

const SECOND = 1000;
const DAY = 86_400_000;

function accountGates(
  provider: string,
  { settings, perSecond, perDay, concurrent, retryBudget }: ProviderConfig,
  { member, pace }: Parts,
): readonly Gate[] {
  const isReachable = (): boolean => member.isReachable();
  const limits = [
    { calls: perSecond, perMs: SECOND },
    { calls: perDay, perMs: DAY },
  ].filter(({ calls }) => calls !== Infinity);
  const account = `${provider}:${accountOf(settings)}`;
  return [
    ...(concurrent === Infinity ? [] : [createBulkhead({ now: steadyNow, maxConcurrent: concurrent })]),
    createRetryBudget({
      now: steadyNow,
      random: Math.random,
      options: { share: retryBudget },
      shared: { store: pace, provider, isReachable },
    }),
    createRateLimiter({ now: steadyNow, limits, shared: { store: pace, account, isReachable } }),
  ];
}

function linkOf(
  capability: Capability,
  provider: AnyProvider,
  { settings }: ProviderConfig,
  gates: readonly Gate[],
  parts: Parts,
): Link {
  const { config, member, onCircuit } = parts;
  const name = { provider: provider.name, capability: capability.name };
  const implementation = provider.adapters.find((one) => one.capability.name === capability.name);
  if (implementation === undefined)
    throw new TypeError(`${name.provider} does not implement ${capability.name}`);
  const options = config.circuits.get(`${name.provider} ${name.capability}`) ?? defaultCircuit;
  const directive = () => member.directive(name.provider, name.capability);
  const circuit = createCircuitBreaker({
    now: steadyNow,
    options,
    peers: member.peersOf(name, options.probeEveryMs),
    isolated() {
      const word = directive();
      return word?.verb === "isolate" ? word : undefined;
    },
    onChange: (view) => onCircuit({ ...name, view }),
  });
  member.join(name, circuit);
  return createLink({
    provider: name.provider,
    implementation,
    config: settings,
    gates: [circuit, ...gates],
    timeoutMs: config.callTimeoutMs,
    now: Date.now,
    health: () => circuit.health(),
    directive,
    ...shareOf(capability, parts),
    ...(config.lookUpAfterMs === undefined ? {} : { trustNotFoundAfterMs: config.lookUpAfterMs }),
  });
}
