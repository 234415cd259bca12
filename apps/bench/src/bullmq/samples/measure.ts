import type { Redis } from "@understudy/queue";

import type { Sample } from "../types.ts";

/** Starts the clock; what it returns stops it. */
export async function clock(redis: Redis): Promise<(jobs: number) => Promise<Measured>> {
  const redisBefore = await redisMicros(redis);
  const cpuBefore = process.cpuUsage();
  const began = performance.now();
  return async (jobs) => {
    const seconds = (performance.now() - began) / 1000;
    const { user, system } = process.cpuUsage(cpuBefore);
    const redisUs = (await redisMicros(redis)) - redisBefore;
    return { perSecond: jobs / seconds, clientUs: (user + system) / jobs, redisUs: redisUs / jobs };
  };
}

export interface Measured extends Pick<Sample, "clientUs" | "redisUs"> {
  readonly perSecond: number;
}

/** CPU of Redis' main thread, which is what limits it. */
async function redisMicros(redis: Redis): Promise<number> {
  const info = await redis.info("cpu");
  const main = [...info.matchAll(/used_cpu_(?:sys|user)_main_thread:([\d.]+)/gu)];
  return main.reduce((sum, [, seconds]) => sum + Number(seconds), 0) * 1e6;
}
