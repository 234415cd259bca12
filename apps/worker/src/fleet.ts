import { randomUUID } from "node:crypto";
import { hostname } from "node:os";

import type { AnyJob } from "@understudy/core";
import {
  addCounts,
  announceWorker,
  connectProducer,
  type Counted,
  type LastError,
  retireWorker,
} from "@understudy/queue";
import type { CircuitState } from "@understudy/resilience";
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
    readonly state: CircuitState;
  }): void;
  close(): Promise<void>;
}

/** What is told here is worth no job's delay: when Redis does not take it, it is dropped. */
export function startFleetReport(config: WorkerConfig, jobs: readonly AnyJob[]): FleetReport {
  const redis = connectProducer(config.redisUrl);
  // The worker's own connection tells of the same trouble.
  redis.on("error", () => undefined);
  const capabilities = new Map(jobs.map((job) => [job.name, job.capability.name as string]));
  const circuits = new Map<string, string>();
  const counts = new Map<string, number>();
  const errors = new Map<string, LastError>();
  const about = {
    id: randomUUID(),
    host: hostname(),
    pid: process.pid,
    role: config.role,
    queues: config.role === "janitor" ? [] : config.queues.map(({ name }) => name),
    routes: Object.fromEntries(config.routes),
    startedAt: Date.now(),
  };

  const announce = (): void => {
    const info = { ...about, circuits: Object.fromEntries(circuits) };
    announceWorker(redis, config.namespace, info).catch(() => undefined);
  };
  const flush = async (): Promise<void> => {
    if (counts.size === 0) return;
    const taken = [...counts].map(([of, count]) => ({ of: JSON.parse(of) as Counted, count }));
    const failed = [...errors.values()];
    counts.clear();
    errors.clear();
    await addCounts(redis, config.namespace, { counts: taken, errors: failed, now: Date.now() }).catch(
      () => undefined,
    );
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
        count({ what: "call", provider, capability: capabilities.get(event.job) ?? "", kind });
        if (kind === "unavailable" || kind === "ambiguous")
          errors.set(provider, { provider, code, at: Date.now() });
      } else if (event.event === "settled") {
        count({ what: "settled", queue: event.queue, verdict: event.verdict });
      }
    },
    circuit({ provider, capability, state }) {
      if (state.at === "closed") circuits.delete(`${provider} ${capability}`);
      else circuits.set(`${provider} ${capability}`, state.at);
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
