import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { fill } from "../fill.ts";
import { placeOf, waitingIn } from "../places.ts";
import type { Stage } from "../stage.ts";
import { mail } from "../subjects.ts";
import type { Sample, Scenario, System } from "../types.ts";
import { drain } from "./process.ts";

/** Up to how many bytes a field may have in a hash of the compact form: as we ship it beside Redis' default. */
const compact: Readonly<Record<System, string>> = { ours: shipped(), bullmq: "64" };

function shipped(): string {
  const file = join(import.meta.dirname, "../../../../../infra/redis.conf");
  const [, value] = /^hash-max-listpack-value (\d+)/mu.exec(readFileSync(file, "utf8")) ?? [];
  if (value === undefined) throw new TypeError("infra/redis.conf sets hash-max-listpack-value");
  return value;
}

/** Under the name that Redis 6 knows too. */
const setCompact = async ({ redis }: Stage, value: string): Promise<unknown> =>
  await redis.config("SET", "hash-max-ziplist-value", value);

/** What a job that waits takes of Redis, ours with the Redis settings that we ship; and what a worker takes after a backlog. */
export const memoryScenarios: readonly Scenario[] = [
  {
    group: "memory",
    rows: [{ name: "memory-per-job", figure: "bytes", unit: "bytes", requires: { of: "ours", atMost: 700 } }],
    async take(stage, system) {
      await stage.empty();
      await setCompact(stage, compact[system]);
      const sample = await waitingJobs(stage, system, stage.isSmoke ? 500 : 100_000);
      await setCompact(stage, compact.ours);
      return sample;
    },
  },
  {
    group: "memory",
    rows: [{ name: "memory-worker-rss", figure: "rssMiB", unit: "MiB" }],
    take: (stage, system) =>
      drain(stage, system, { concurrency: 50, jobs: stage.isSmoke ? 200 : 20_000, isTraced: false }),
  },
];

async function waitingJobs(stage: Stage, system: System, count: number): Promise<Sample> {
  const namespace = stage.namespace(system);
  const before = await usedMemory(stage);
  await fill(stage, { system, namespace, count });
  // The connections are closed, and what was written is on disk: neither is of the jobs.
  await sleep(stage.isSmoke ? 0 : 1500);
  const bytes = ((await usedMemory(stage)) - before) / count;
  const waiting = await waitingIn(stage.redis, placeOf(system, namespace, mail.job));
  const problems = waiting === count ? [] : [`${waiting} of ${count} jobs are in Redis`];
  return { figures: { bytes }, problems };
}

async function usedMemory({ redis }: Stage): Promise<number> {
  return Number(/used_memory:(\d+)/u.exec(await redis.info("memory"))?.[1]);
}
