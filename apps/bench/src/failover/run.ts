import { baseline } from "./baseline.ts";
import { createChance } from "./chance.ts";
import { count, type Figures } from "./count.ts";
import type { Options, SystemName } from "./options.ts";
import { ours } from "./ours.ts";
import { startFleet } from "./reaper.ts";
import { openStage, type Stage } from "./stage.ts";
import type { System } from "./system.ts";
import { until } from "./until.ts";
import { startWeather } from "./weather.ts";
import { handfuls } from "./workload.ts";

export interface Result extends Figures {
  readonly seconds: number;
  readonly workerKills: number;
  readonly redisKills: number;
}

const WORKERS = 3;

/** When Redis is killed, as parts of all jobs that have ended. */
const REDIS_DIES_AT = [0.3, 0.65] as const;

/** The weather ends when so many have ended; what is left must end by itself. */
const CALM_FROM = 0.85;

/** One system through the faults and kills of a seed. */
export async function runSystem(
  name: SystemName,
  { jobs, seed }: Pick<Options, "jobs" | "seed">,
  say: (line: string) => void,
): Promise<Result> {
  await using stage = await openStage(10 * jobs + 10_000);
  await using system = await (name === "ours" ? ours(stage) : baseline(stage, name));
  const startedAt = performance.now();
  const fleet = await startFleet(WORKERS, () => system.startWorker(), createChance(seed));
  try {
    const calm = startWeather(stage.sandbox, createChance(seed + 1));
    const enqueuing = enqueueAll(system, jobs);
    const redisKills = await killRedis(stage, system, jobs, say);
    await enqueuing;
    await endedBy(system, jobs, CALM_FROM);
    await Promise.all([fleet.spare(), calm()]);
    await endedBy(system, jobs, 1).catch((error: unknown) => say(`${name}: ${String(error)}`));
    const seconds = Math.round((performance.now() - startedAt) / 1000);
    return { ...(await count(stage, system, jobs)), seconds, workerKills: fleet.kills(), redisKills };
  } finally {
    await fleet.stop();
  }
}

async function enqueueAll(system: System, jobs: number): Promise<void> {
  for (const numbers of handfuls(jobs)) {
    await system.enqueue("charge", numbers);
    await system.enqueue("mail", numbers);
  }
}

async function killRedis(
  stage: Stage,
  system: System,
  jobs: number,
  say: (line: string) => void,
): Promise<number> {
  for (const part of REDIS_DIES_AT) {
    await endedBy(system, jobs, part);
    await stage.killRedis();
    say(`Redis was killed at ${Math.round(part * 100)} % and is back on its append-only file`);
  }
  return REDIS_DIES_AT.length;
}

/** The slowest thing here is a job's back-off; each of them may wait for some minutes. */
const PATIENCE_MS = 420_000;

async function endedBy(system: System, jobs: number, part: number): Promise<void> {
  const wanted = Math.floor(2 * jobs * part);
  let best = 0;
  let since = performance.now();
  const isThere = async (): Promise<boolean> => {
    const ended = await system.ended();
    if (ended > best) {
      best = ended;
      since = performance.now();
    }
    if (performance.now() - since > PATIENCE_MS)
      throw new Error(`${best} of ${2 * jobs} jobs have ended, and no more did for ${PATIENCE_MS / 1000} s`);
    return ended >= wanted;
  };
  await until(`${wanted} jobs have ended`, isThere, Infinity);
}
