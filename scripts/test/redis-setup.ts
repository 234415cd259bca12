import type { TestProject } from "vitest/node";

import { type Chromium, findChromium } from "../lib/chromium.ts";
import { ensureRedis } from "../lib/redis/index.ts";

declare module "vitest" {
  interface ProvidedContext {
    readonly redisUrl: string;
    /** Undefined where this machine has none. */
    readonly chromium: Chromium | undefined;
  }
}

/** One Redis for the whole run, ours alone: whatever REDIS_URL names may hold somebody's jobs, and tests delete. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const started = performance.now();
  const { REDIS_URL: _notOurs, ...env } = process.env;
  const redis = await ensureRedis({ env });
  project.provide("redisUrl", redis.url);
  project.provide("chromium", findChromium(env, isWhole(process.argv.slice(2))));
  console.log(`redis: ${redis.how}, ${redis.url}, up in ${Math.round(performance.now() - started)} ms`);
  return () => redis.stop();
}

/** Whoever runs single files waits for no browser, unless they are those of pages. */
function isWhole(words: readonly string[]): boolean {
  const files = words.filter((word) => !word.startsWith("-") && word !== "run");
  return files.length === 0 || files.some((file) => file.includes("dashboard"));
}
