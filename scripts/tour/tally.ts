import type { Line } from "./process.ts";

export interface ProviderTally {
  delivered: number;
  /** Delivered here after another provider could not. */
  failedOver: number;
  failed: number;
  circuit: string;
}

/** What the workers' lines add up to while the tour runs. The summary does not trust it: it asks Redis and the sandbox. */
export interface Tally {
  readonly providers: ReadonlyMap<string, ProviderTally>;
  readonly delivered: number;
  readonly dead: number;
  sent(): void;
  readonly enqueued: number;
  /** Answers a sentence when the line is worth telling. */
  take(worker: number, line: Line): string | undefined;
}

export function createTally(route: readonly string[]): Tally {
  const providers = new Map<string, ProviderTally>(
    route.map((name) => [name, { delivered: 0, failedOver: 0, failed: 0, circuit: "closed" }]),
  );
  const circuits = new Map<string, string>();
  const sums = { enqueued: 0, delivered: 0, dead: 0 };

  const handlers: Readonly<Record<string, (worker: number, line: Line) => string | undefined>> = {
    call(_, { provider, kind }) {
      const tally = providers.get(String(provider));
      if (tally === undefined) return undefined;
      if (kind === "delivered") tally.delivered += 1;
      else if (kind !== "withheld") tally.failed += 1;
      return undefined;
    },
    failover(_, { to }) {
      const tally = providers.get(String(to));
      if (tally !== undefined) tally.failedOver += 1;
      return undefined;
    },
    settled(_, { verdict, jobId, cause }) {
      if (verdict === "complete") sums.delivered += 1;
      if (verdict !== "dead_letter") return undefined;
      sums.dead += 1;
      return `dead letter (${String(cause)}): ${String(jobId)}`;
    },
    circuit(worker, { provider, at }) {
      const name = String(provider);
      circuits.set(`${name} ${worker}`, String(at));
      const tally = providers.get(name);
      if (tally !== undefined)
        tally.circuit = worst(
          [...circuits].filter(([key]) => key.startsWith(`${name} `)).map(([, state]) => state),
        );
      return at === "half_open" ? undefined : `worker ${worker}: circuit of ${name} is ${String(at)}`;
    },
  };

  return {
    providers,
    get enqueued() {
      return sums.enqueued;
    },
    get delivered() {
      return sums.delivered;
    },
    get dead() {
      return sums.dead;
    },
    sent() {
      sums.enqueued += 1;
    },
    take: (worker, line) => handlers[String(line["event"])]?.(worker, line),
  };
}

function worst(states: readonly string[]): string {
  return ["open", "half_open"].find((state) => states.includes(state)) ?? "closed";
}
