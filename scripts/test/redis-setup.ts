import type { TestProject } from "vitest/node";

import { ensureRedis } from "../lib/redis/index.ts";

declare module "vitest" {
  interface ProvidedContext {
    readonly redisUrl: string;
  }
}

/** One Redis for the whole run, ours alone: whatever REDIS_URL names may hold somebody's jobs, and tests delete. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const started = performance.now();
  const { REDIS_URL: _notOurs, ...env } = process.env;
  const redis = await ensureRedis({ env });
  project.provide("redisUrl", redis.url);
  console.log(`redis: ${redis.how}, ${redis.url}, up in ${Math.round(performance.now() - started)} ms`);
  return () => redis.stop();
}
