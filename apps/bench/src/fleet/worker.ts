// Usage: node apps/bench/src/fleet/worker.ts JSON. Many workers of a fleet in one process, each with its own breaker and its own
// connections, whose calls cost nothing: what is measured is how they agree. Takes orders by IPC, ends with its parent.
import type { Admission, Outcome, Refusal } from "@understudy/core";
import { connectProducer, connectWorker } from "@understudy/queue";
import {
  type CircuitOptions,
  type CircuitView,
  createCircuitBreaker,
  type FleetStore,
  hearFleet,
  joinFleet,
  openFleetStore,
} from "@understudy/resilience";

export interface Crew {
  readonly redis: string;
  readonly namespace: string;
  /** Names of the workers. */
  readonly workers: readonly string[];
  /** Calls a second that each wants to make. */
  readonly perSecond: number;
  /** So many of the workers call nobody while the circuit is closed: they can only be told that it is open. */
  readonly idle?: number;
  readonly options: Partial<CircuitOptions>;
}

export type Order =
  /** How the provider answers from now on; to the workers named, or to all. */
  | { readonly order: "answer"; readonly how: "ok" | "fail" | "hang"; readonly only?: readonly string[] }
  | { readonly order: "report" };

export type Word =
  | { readonly word: "up" }
  | {
      readonly word: "moved";
      readonly worker: string;
      readonly to: string;
      readonly scope: CircuitView["scope"];
      readonly at: number;
    }
  /** What a worker changed for all: `at` is when it asked for it. */
  | { readonly word: "changed"; readonly to: string; readonly share?: number; readonly at: number }
  | { readonly word: "report"; readonly report: Report };

/** Since the last one. */
export interface Report {
  /** Calls really made, and calls that the breaker withheld. */
  readonly made: number;
  readonly withheld: number;
  /** Microseconds that the breaker took for each call, asked and told. */
  readonly costUs: readonly number[];
  /** Milliseconds by which each turn was late. */
  readonly lateMs: readonly number[];
  /** Milliseconds of processor time in each second. */
  readonly cpuMs: number;
}

const name = { provider: "vendor", capability: "thing.do" };
const TURN_MS = 10;
const meta = { provider: "vendor", at: 0, durationMs: 1 };
const outcomes: Readonly<Record<"ok" | "fail", Outcome>> = {
  ok: { kind: "delivered", receipt: {}, final: true, ...meta },
  fail: { kind: "unavailable", code: "http_503", ...meta },
};

const crew = JSON.parse(process.argv[2] ?? "") as Crew;
const say = (word: Word): void => void process.send?.(word);
/** How the provider answers whom, where it is not well. */
const moods = new Map<string, "fail" | "hang">();
let made = 0;
let withheld = 0;
let costUs: number[] = [];
let lateMs: number[] = [];
let turnedAt = Infinity;
let reportedAt = performance.now();
let spent = process.cpuUsage();

/** A store, and when it was last asked to change something. */
function asking(store: FleetStore): { readonly store: FleetStore; readonly askedAt: () => number } {
  let askedAt = 0;
  return {
    askedAt: () => askedAt,
    store: {
      ...store,
      swap(circuit, change) {
        askedAt = Date.now();
        return store.swap(circuit, change);
      },
    },
  };
}

const workers = crew.workers.map((self, nth) => {
  const redis = connectProducer(crew.redis);
  const hearing = connectWorker(crew.redis);
  for (const connection of [redis, hearing]) connection.on("error", () => undefined);
  const { store, askedAt } = asking(openFleetStore(redis, crew.namespace));
  const member = joinFleet({
    store,
    self,
    now: Date.now,
    onChange: ({ circuit: { state } }) =>
      say({
        word: "changed",
        to: state.at,
        at: askedAt(),
        ...(state.at === "half_open" ? { share: state.share } : {}),
      }),
    onReachable: () => undefined,
  });
  redis.on("ready", () => member.news.reconnected());
  void hearFleet(hearing, crew.namespace, member.news).catch(() => undefined);
  const peers = member.peersOf(name, crew.options.probeEveryMs ?? 5000);
  const breaker = createCircuitBreaker({
    now: Date.now,
    options: crew.options,
    peers,
    onChange: ({ state, scope }) => say({ word: "moved", worker: self, to: state.at, scope, at: Date.now() }),
  });
  member.join(name, breaker);
  return { self, member, breaker, owed: Math.random(), isIdle: nth < (crew.idle ?? 0) };
});

function turn(): void {
  const now = performance.now();
  if (now > turnedAt) lateMs.push(Math.max(0, now - turnedAt - TURN_MS));
  turnedAt = now;
  for (const worker of workers) {
    if (worker.isIdle && worker.breaker.state().at === "closed") continue;
    worker.owed += (crew.perSecond * TURN_MS) / 1000;
    for (; worker.owed >= 1; worker.owed -= 1) {
      const began = process.hrtime.bigint();
      const answer = worker.breaker.admit();
      // Who may be about to send the probe waits for the others; nobody else does.
      if (answer instanceof Promise) void probe(worker.self, answer);
      else settle(worker.self, answer);
      costUs.push(Number(process.hrtime.bigint() - began) / 1000);
    }
  }
}

function settle(self: string, answer: Admission | Refusal): void {
  if (answer.ok) {
    const mood = moods.get(self) ?? "ok";
    if (mood !== "hang") answer.settle(outcomes[mood]);
    made += 1;
  } else withheld += 1;
}

async function probe(self: string, answer: Promise<Admission | Refusal>): Promise<void> {
  settle(self, await answer);
}

function report(): void {
  const { user, system } = process.cpuUsage(spent);
  const seconds = (performance.now() - reportedAt) / 1000;
  say({
    word: "report",
    report: { made, withheld, costUs, lateMs, cpuMs: (user + system) / 1000 / seconds },
  });
  [made, withheld, costUs, lateMs] = [0, 0, [], []];
  spent = process.cpuUsage();
  reportedAt = performance.now();
}

process.on("message", (order: Order) => {
  if (order.order === "report") return report();
  for (const self of order.only ?? crew.workers) {
    if (order.how === "ok") moods.delete(self);
    else moods.set(self, order.how);
  }
});
process.once("disconnect", () => process.exit(0));
const joined = setInterval(() => {
  if (!workers.every(({ member }) => member.isReachable())) return;
  clearInterval(joined);
  setInterval(turn, TURN_MS);
  say({ word: "up" });
}, 20);
