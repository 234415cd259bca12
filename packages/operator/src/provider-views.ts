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
  type Circuit,
  closedCircuit,
  type Directive,
  directiveFor,
  type FleetRecords,
  holds,
  readFleet,
} from "@understudy/resilience";

import { capabilityOf, isMoneyCapability } from "./capabilities.ts";
import { type Context, routesOf, workersOf } from "./context.ts";
import { healthSentence } from "./health-sentence.ts";
import type { CapabilityView, ProviderView } from "./views.ts";

const WINDOW_MS = 5 * 60_000;

interface Name {
  readonly provider: string;
  readonly capability: string;
}

interface Facts {
  readonly context: Context;
  readonly workers: readonly WorkerInfo[];
  readonly routes: ReadonlyMap<string, readonly string[]>;
  readonly fleet: FleetRecords;
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
  const calls = callsIn(counts);
  const routes = routesOf(workers);
  const facts = { context, workers, routes, fleet, calls, latencies, proven };
  const names = namesIn(facts);
  const views = names.map((name) => ({ ...name, ...capabilityView(name, facts) }));
  const said = fleet.directives.filter((one) => holds(one, fleet.now));
  const providers = new Set([...names, ...said].map(({ provider }) => provider));
  return [...providers].toSorted().map((provider) => {
    const last = errors.find((error) => error.provider === provider);
    const word = names.some((one) => one.provider === provider)
      ? undefined
      : said.find((one) => one.provider === provider);
    return {
      provider,
      capabilities: views
        .filter((one) => one.provider === provider)
        .map(({ provider: _, ...view }) => withSentence(provider, view, views, facts)),
      windowMs: WINDOW_MS,
      ...(last === undefined ? {} : { lastError: { code: last.code, at: last.at } }),
      ...(word === undefined ? {} : { directive: word }),
    };
  });
}

function callsIn(counts: readonly Count[]): Facts["calls"] {
  return counts.flatMap(({ of, count }) => (of.what === "call" ? [{ ...of, count }] : []));
}

/** Whatever is on a live worker's route, was called in the window, or something was said of. */
function namesIn({ routes, calls, fleet }: Pick<Facts, "routes" | "calls" | "fleet">): readonly Name[] {
  const routed = [...routes].flatMap(([capability, providers]) =>
    providers.map((provider) => ({ provider, capability })),
  );
  const keys = new Set(
    [...routed, ...calls, ...saidOf(fleet, routed)].map(
      ({ provider, capability }) => `${provider} ${capability}`,
    ),
  );
  return [...keys].toSorted().map((key) => {
    const [provider = "", capability = ""] = key.split(" ");
    return { provider, capability };
  });
}

/** Of a provider as a whole that nobody has on a route, what it does is known from its circuits at best. */
function saidOf({ directives, circuits, now }: FleetRecords, routed: readonly Name[]): readonly Name[] {
  const isRouted = (provider: string): boolean => routed.some((one) => one.provider === provider);
  const namesOf = ({ provider, capability }: Directive): readonly Name[] => {
    if (capability !== undefined) return [{ provider, capability }];
    return isRouted(provider) ? [] : circuits.filter((one) => one.provider === provider);
  };
  return directives.filter((one) => holds(one, now)).flatMap(namesOf);
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
  { fleet: { circuits, directives, now } }: Pick<Facts, "fleet">,
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
  const { circuit = closedCircuit } = circuits.find((one) => isOf(one, { provider, capability })) ?? {};
  return {
    state: circuit.state,
    reason: circuit.reason,
    since: Math.round(sinceOf(circuit)),
    ...(directive === undefined ? {} : { directive }),
  };
}

/** An outage lasts from where the circuit left closed, however many probes failed since. */
function sinceOf({ state, since, openedAt }: Circuit): number {
  return state.at === "closed" ? since : (openedAt ?? since);
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
