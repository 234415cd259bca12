import type { TestProject } from "vitest/node";

import { ensureRedis } from "../lib/redis.ts";

declare module "vitest" {
  interface ProvidedContext {
    readonly redisUrl: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const started = performance.now();
  const redis = await ensureRedis();
  project.provide("redisUrl", redis.url);
  console.log(`redis: ${redis.how}, ${redis.url}, up in ${Math.round(performance.now() - started)} ms`);
  return () => redis.stop();
}
