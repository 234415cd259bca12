// Usage: node apps/bench/src/fleet/worker.ts JSON. Many workers of a fleet in one process, each with its own breaker and its own
// connections, whose calls cost nothing: what is measured is how they agree. Takes orders by IPC, ends with its parent.
import type { Admission, Outcome, Refusal } from "@understudy/core";
import { connectProducer, connectWorker } from "@understudy/queue";
import {
  type CircuitOptions,
  createCircuitBreaker,
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
  readonly options: Partial<CircuitOptions>;
}

export type Order =
  /** How the provider answers from now on; to the workers named, or to all. */
  | { readonly order: "answer"; readonly how: "ok" | "fail"; readonly only?: readonly string[] }
  | { readonly order: "report" };

export type Word =
  | { readonly word: "up" }
  | { readonly word: "moved"; readonly worker: string; readonly to: string; readonly at: number }
  | { readonly word: "changed"; readonly to: string; readonly share?: number; readonly at: number }
  | { readonly word: "report"; readonly report: Report };

/** Since the last one. */
export interface Report {
  /** Calls really made, and calls that the breaker withheld. */
  readonly made: number;
  readonly withheld: number;
  /** Microseconds that the breaker took for each call, asked and told. */
  readonly costUs: readonly number[];
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
const failing = new Set<string>();
let made = 0;
let withheld = 0;
let costUs: number[] = [];

const workers = crew.workers.map((self) => {
  const redis = connectProducer(crew.redis);
  const hearing = connectWorker(crew.redis);
  for (const connection of [redis, hearing]) connection.on("error", () => undefined);
  const member = joinFleet({
    store: openFleetStore(redis, crew.namespace),
    self,
    now: Date.now,
    onChange: ({ circuit: { state } }) =>
      say({
        word: "changed",
        to: state.at,
        at: Date.now(),
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
    onChange: ({ state }) => say({ word: "moved", worker: self, to: state.at, at: Date.now() }),
  });
  member.join(name, breaker);
  return { self, member, breaker, owed: Math.random() };
});

function turn(): void {
  for (const worker of workers) {
    worker.owed += (crew.perSecond * TURN_MS) / 1000;
    for (; worker.owed >= 1; worker.owed -= 1) {
      const began = process.hrtime.bigint();
      const answer = worker.breaker.admit() as Admission | Refusal;
      if (answer.ok) answer.settle(failing.has(worker.self) ? outcomes.fail : outcomes.ok);
      costUs.push(Number(process.hrtime.bigint() - began) / 1000);
      if (answer.ok) made += 1;
      else withheld += 1;
    }
  }
}

process.on("message", (order: Order) => {
  if (order.order === "report") {
    say({ word: "report", report: { made, withheld, costUs } });
    [made, withheld, costUs] = [0, 0, []];
    return;
  }
  for (const self of order.only ?? crew.workers) {
    if (order.how === "fail") failing.add(self);
    else failing.delete(self);
  }
});
process.once("disconnect", () => process.exit(0));
const joined = setInterval(() => {
  if (!workers.every(({ member }) => member.isReachable())) return;
  clearInterval(joined);
  setInterval(turn, TURN_MS);
  say({ word: "up" });
}, 20);
