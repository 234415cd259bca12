import { randomUUID } from "node:crypto";
import { hostname } from "node:os";

import type { AnyJob } from "@understudy/core";
import {
  addCounts,
  announceWorker,
  bucketOf,
  connectProducer,
  type Counted,
  type LastError,
  type OwnCircuit,
  retireWorker,
  type Tally,
} from "@understudy/queue";
import type { CircuitView } from "@understudy/resilience";
import type { RuntimeEvent } from "@understudy/runtime";

import type { WorkerConfig } from "./config.ts";

const ANNOUNCE_EVERY_MS = 5000;
const COUNT_EVERY_MS = 1000;

/** Tells the fleet, by way of Redis, that this worker lives, what it serves, and what it hears of providers. */
export interface FleetReport {
  observe(event: RuntimeEvent): void;
  circuit(change: {
    readonly provider: string;
    readonly capability: string;
    readonly view: CircuitView;
  }): void;
  close(): Promise<void>;
}

/** From how long on a call counts as slow. */
type SlowMs = (provider: string, capability: string) => number;

const SLOW_MS = 5000;

/** What is told here is worth no job's delay: when Redis does not take it, it is dropped. */
export function startFleetReport(
  config: WorkerConfig,
  jobs: readonly AnyJob[],
  slowMs: SlowMs = () => SLOW_MS,
): FleetReport {
  const redis = connectProducer(config.redisUrl);
  // The worker's own connection tells of the same trouble.
  redis.on("error", () => undefined);
  const capabilities = new Map(jobs.map((job) => [job.name, job.capability.name as string]));
  const circuits = new Map<string, OwnCircuit>();
  const counts = new Map<string, number>();
  const errors = new Map<string, LastError>();
  const speeds = createSpeeds(slowMs);
  const about = {
    id: randomUUID(),
    host: hostname(),
    pid: process.pid,
    role: config.role,
    queues: config.role === "janitor" ? [] : config.queues.map(({ name }) => name),
    routes: Object.fromEntries(
      [...config.routes].map(([capability, { providers }]) => [capability, providers]),
    ),
    startedAt: Date.now(),
  };

  const announce = (): void => {
    const info = { ...about, circuits: Object.fromEntries(circuits) };
    announceWorker(redis, config.namespace, info).catch(() => undefined);
  };
  const flush = async (): Promise<void> => {
    if (counts.size === 0) return;
    const tally = {
      counts: [...counts].map(([of, count]) => ({ of: JSON.parse(of) as Counted, count })),
      errors: [...errors.values()],
      ...speeds.take(),
      now: Date.now(),
    };
    counts.clear();
    errors.clear();
    await addCounts(redis, config.namespace, tally).catch(() => undefined);
  };
  const count = (of: Counted): void => {
    const key = JSON.stringify(of);
    counts.set(key, (counts.get(key) ?? 0) + 1);
  };

  redis.once("ready", announce);
  const timers = [setInterval(announce, ANNOUNCE_EVERY_MS), setInterval(() => void flush(), COUNT_EVERY_MS)];
  return {
    observe(event) {
      if (event.event === "call") {
        const { provider, kind, code = "" } = event;
        const capability = capabilities.get(event.job) ?? "";
        count({ what: "call", provider, capability, kind });
        if (kind !== "withheld") speeds.add(provider, capability, event.durationMs, kind === "delivered");
        if (kind === "unavailable" || kind === "ambiguous")
          errors.set(provider, { provider, code, at: Date.now() });
      } else if (event.event === "settled") {
        count({ what: "settled", queue: event.queue, verdict: event.verdict });
      }
    },
    circuit({ provider, capability, view }) {
      const { state, scope, reason, since } = view;
      // What all hold stands in the fleet's own records.
      const isOwn = scope === "worker" && state.at !== "closed" && state.at !== "isolated";
      if (isOwn) circuits.set(`${provider} ${capability}`, { at: state.at, reason, since });
      else if (!circuits.delete(`${provider} ${capability}`)) return;
      announce();
    },
    async close() {
      timers.forEach(clearInterval);
      await flush();
      await retireWorker(redis, config.namespace, about.id).catch(() => undefined);
      redis.disconnect();
    },
  };
}

interface Speed {
  readonly provider: string;
  readonly capability: string;
  slow: number;
  readonly buckets: Map<number, number>;
  deliveredAt?: number;
}

/** How long calls really made took, and when they last delivered, since it was last taken. */
function createSpeeds(slowMs: SlowMs) {
  const speeds = new Map<string, Speed>();
  return {
    add(provider: string, capability: string, durationMs: number, isDelivered: boolean): void {
      const name = `${provider} ${capability}`;
      const one = speeds.get(name) ?? { provider, capability, slow: 0, buckets: new Map<number, number>() };
      speeds.set(name, one);
      const bucket = bucketOf(durationMs);
      one.buckets.set(bucket, (one.buckets.get(bucket) ?? 0) + 1);
      if (durationMs > slowMs(provider, capability)) one.slow += 1;
      if (isDelivered) one.deliveredAt = Date.now();
    },
    take(): Required<Pick<Tally, "latencies" | "proven">> {
      const latencies = [...speeds.values()];
      speeds.clear();
      const proven = latencies.flatMap(({ provider, capability, deliveredAt: at }) =>
        at === undefined ? [] : [{ provider, capability, at }],
      );
      return { latencies, proven };
    },
  };
}
