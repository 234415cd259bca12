import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Redis } from "@understudy/queue";
import { onTestFinished } from "vitest";

import { ensureRedis, type RedisHandle } from "../lib/redis/index.ts";
import { until } from "./until.ts";

/** A Redis of the test's own, with an append-only file that outlives its process. */
export interface KillableRedis {
  readonly url: string;
  /** SIGKILL; resolves when it is dead. @param redis a connection to it */
  kill(redis: Redis): Promise<void>;
  /** Starts it again, on the same port and the same file. */
  restart(): Promise<void>;
}

/** Undefined where this machine has no Redis whose process could be killed. */
export async function startKillableRedis(): Promise<KillableRedis | undefined> {
  const dataDir = mkdtempSync(join(tmpdir(), "understudy-chaos-"));
  const { REDIS_URL: _notOurs, ...env } = process.env;
  const start = async (port?: number): Promise<RedisHandle> =>
    await ensureRedis({ dataDir, env, quiet: true, ...(port === undefined ? {} : { port }) });
  let handle = await start();
  onTestFinished(async () => {
    await handle.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });
  if (handle.pid === undefined) return undefined;
  const { url } = handle;
  return {
    url,
    async kill(redis) {
      await until("Redis is not syncing", async () => await isWritten(redis), 10_000);
      process.kill(handle.pid ?? 0, "SIGKILL");
      await handle.stop();
    },
    async restart() {
      handle = await start(Number(new URL(url).port));
    },
  };
}

/**
 * With `appendfsync everysec` Redis hands each write to the system before it acknowledges it, except while its background
 * sync is at work, which begins at the full second: then even the death of the process alone may lose what was acknowledged.
 */
async function isWritten(redis: Redis): Promise<boolean> {
  const info = await redis.info("persistence");
  const ms = Date.now() % 1000;
  return /^aof_pending_bio_fsync:0\r?$/mu.test(info) && ms > 200 && ms < 900;
}
