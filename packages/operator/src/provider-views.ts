import {
  type Count,
  type Latency,
  type OwnCircuit,
  type Proven,
  quantileOf,
  readCounts,
  readLastErrors,
  readLatencies,
  readProven,
  type WorkerInfo,
} from "@understudy/queue";
import {
  directiveFor,
  type FleetRecords,
  readFleet,
  readTransitions,
  type SharedCircuit,
  type Transition,
} from "@understudy/resilience";

import { capabilityOf, isMoneyCapability } from "./capabilities.ts";
import { type Context, routesOf, workersOf } from "./context.ts";
import { healthSentence } from "./health-sentence.ts";
import type { CapabilityView, ProviderView } from "./views.ts";

const WINDOW_MS = 5 * 60_000;
const ALL_TRANSITIONS = 500;

interface Name {
  readonly provider: string;
  readonly capability: string;
}

interface Facts {
  readonly context: Context;
  readonly workers: readonly WorkerInfo[];
  readonly routes: ReadonlyMap<string, readonly string[]>;
  readonly fleet: FleetRecords;
  readonly transitions: readonly Transition[];
  readonly calls: readonly (Name & { readonly kind: string; readonly count: number })[];
  readonly latencies: readonly Latency[];
  readonly proven: readonly Proven[];
}

export async function viewProviders(context: Context): Promise<readonly ProviderView[]> {
  const { ask, namespace, now } = context;
  const window = { windowMs: WINDOW_MS, now: now() };
  const [workers, fleet, counts, latencies, proven, errors] = await Promise.all([
    workersOf(context),
    ask((redis) => readFleet(redis, namespace)),
    ask((redis) => readCounts(redis, namespace, window)),
    ask((redis) => readLatencies(redis, namespace, window)),
    ask((redis) => readProven(redis, namespace)),
    ask((redis) => readLastErrors(redis, namespace)),
  ]);
  const isCalm = fleet.circuits.every(({ circuit }) => circuit.state.at === "closed");
  const transitions = isCalm ? [] : await ask((redis) => readTransitions(redis, namespace, ALL_TRANSITIONS));
  const calls = callsIn(counts);
  const routes = routesOf(workers);
  const facts = { context, workers, routes, fleet, transitions, calls, latencies, proven };
  const names = namesIn(facts);
  const views = names.map((name) => ({ ...name, ...capabilityView(name, facts) }));
  return [...new Set(names.map(({ provider }) => provider))].map((provider) => {
    const last = errors.find((error) => error.provider === provider);
    return {
      provider,
      capabilities: views
        .filter((one) => one.provider === provider)
        .map(({ provider: _, ...view }) => withSentence(provider, view, views, facts)),
      windowMs: WINDOW_MS,
      ...(last === undefined ? {} : { lastError: { code: last.code, at: last.at } }),
    };
  });
}

function callsIn(counts: readonly Count[]): Facts["calls"] {
  return counts.flatMap(({ of, count }) => (of.what === "call" ? [{ ...of, count }] : []));
}

/** Whatever is on a live worker's route, or was called in the window. */
function namesIn({ routes, calls }: Pick<Facts, "routes" | "calls">): readonly Name[] {
  const routed = [...routes].flatMap(([capability, providers]) =>
    providers.map((provider) => ({ provider, capability })),
  );
  const keys = new Set([...routed, ...calls].map(({ provider, capability }) => `${provider} ${capability}`));
  return [...keys].toSorted().map((key) => {
    const [provider = "", capability = ""] = key.split(" ");
    return { provider, capability };
  });
}

function capabilityView(name: Name, facts: Facts): CapabilityView {
  const { context, workers, routes, proven } = facts;
  const place = routes.get(name.capability)?.indexOf(name.provider) ?? -1;
  const provenAt = proven.find((one) => isOf(one, name))?.at;
  return {
    capability: name.capability,
    isMoney: isMoneyCapability(context, name.capability),
    isSink: capabilityOf(context, name.capability)?.sinks === true,
    ...(place === -1 ? {} : { place: place + 1 }),
    ...figuresOf(name, facts),
    ...standingOf(name, facts),
    openOnWorkers: ownCircuitsOf(name, workers).length,
    workers: workers.filter(({ routes: own }) => own[name.capability]?.includes(name.provider)).length,
    ...(provenAt === undefined ? {} : { provenAt }),
  };
}

function ownCircuitsOf(
  { provider, capability }: Name,
  workers: readonly WorkerInfo[],
): readonly OwnCircuit[] {
  return workers.flatMap(({ circuits }) => circuits[`${provider} ${capability}`] ?? []);
}

type Figures = Pick<
  CapabilityView,
  "calls" | "errorRate" | "unknownRate" | "slowRate" | "throttled" | "withheld" | "latency" | "trafficShare"
>;

function figuresOf(name: Name, { calls, latencies }: Facts): Figures {
  const sum = (of: readonly Facts["calls"][number][], ...kinds: readonly string[]): number =>
    of.filter(({ kind }) => kinds.includes(kind)).reduce((total, { count }) => total + count, 0);
  const own = calls.filter((call) => isOf(call, name));
  const rivals = calls.filter(({ capability }) => capability === name.capability);
  const made = sum(own, "delivered", "rejected", "unavailable", "throttled", "ambiguous");
  const timed = latencies.find((one) => isOf(one, name));
  return {
    calls: made,
    errorRate: shareOf(sum(own, "unavailable"), made),
    unknownRate: shareOf(sum(own, "ambiguous"), made),
    slowRate: shareOf(timed?.slow ?? 0, made),
    throttled: sum(own, "throttled"),
    withheld: sum(own, "withheld"),
    ...(timed === undefined ? {} : latencyOf(timed)),
    trafficShare: shareOf(sum(own, "delivered"), sum(rivals, "delivered")),
  };
}

/** What was counted and what was timed are told by the same worker, but not in the same step. */
const shareOf = (part: number, whole: number): number => (whole === 0 ? 0 : Math.min(1, part / whole));

function latencyOf({ buckets }: Latency): Pick<CapabilityView, "latency"> {
  const [p50, p95, p99] = [0.5, 0.95, 0.99].map((part) => {
    const ms = quantileOf(buckets, part);
    return ms === undefined ? undefined : Math.round(ms);
  });
  return p50 === undefined || p95 === undefined || p99 === undefined ? {} : { latency: { p50, p95, p99 } };
}

/** A person's isolation is stronger than whatever the circuit is by itself. */
function standingOf(
  { provider, capability }: Name,
  { fleet: { circuits, directives, now }, transitions }: Pick<Facts, "fleet" | "transitions">,
): Pick<CapabilityView, "state" | "reason" | "since" | "directive"> {
  const directive = directiveFor(directives, provider, capability, now);
  if (directive?.verb === "isolate") {
    const { reason, until, since } = directive;
    return {
      state: { at: "isolated", reason, ...(until === undefined ? {} : { until }) },
      reason,
      since,
      directive,
    };
  }
  const shared = circuits.find((one) => isOf(one, { provider, capability }));
  return {
    state: shared?.circuit.state ?? { at: "closed" },
    reason: shared?.circuit.reason ?? "new",
    since: shared === undefined ? 0 : Math.round(sinceOf(shared, transitions)),
    ...(directive === undefined ? {} : { directive }),
  };
}

/** An outage lasts from where the circuit left closed, however many probes failed since. */
function sinceOf({ circuit, ...name }: SharedCircuit, transitions: readonly Transition[]): number {
  if (circuit.state.at === "closed") return circuit.since;
  const left = transitions.find((one) => one.what === "circuit" && one.from === "closed" && isOf(one, name));
  return left?.at ?? circuit.since;
}

function withSentence(
  provider: string,
  view: CapabilityView,
  all: readonly (CapabilityView & Name)[],
  { fleet, workers }: Pick<Facts, "fleet" | "workers">,
): CapabilityView {
  const rivals = all.filter((one) => one.capability === view.capability && one.provider !== provider);
  const sentence = healthSentence(
    { provider, ...view },
    { rivals, own: ownCircuitsOf({ provider, ...view }, workers), now: fleet.now },
  );
  return sentence === undefined ? view : { ...view, sentence };
}

const isOf = (one: Name, { provider, capability }: Name): boolean =>
  one.provider === provider && one.capability === capability;
