import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

import { Redis } from "ioredis";

/** A connection that tries once, for a question or two; closed whatever happens. */
export async function ask<T>(
  url: string,
  question: (redis: Redis) => Promise<T>,
  withinMs = 2_000,
): Promise<T> {
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: withinMs,
    commandTimeout: withinMs,
    maxRetriesPerRequest: 0,
    enableReadyCheck: false,
    // A timer of that length outlives a refused connection, and with it the process that asked.
    disconnectTimeout: 100,
    retryStrategy: () => null,
  });
  // ioredis hides the reason behind "Connection is closed."; the event has it.
  let reason: Error | undefined;
  redis.on("error", (error: Error) => {
    reason = error;
  });
  try {
    await redis.connect();
    return await question(redis);
  } catch (error) {
    throw reason ?? error;
  } finally {
    redis.disconnect();
  }
}

/**
 * Whether a Redis answers there that has its data, which it reads in after it has begun to answer; with a pid, whether it is that very
 * process and not another server that holds the port.
 */
export async function answers(url: string, pid?: number): Promise<boolean> {
  try {
    const info = await ask(url, (redis) => redis.info());
    if (!/^loading:0\r?$/mu.test(info)) return false;
    return pid === undefined || new RegExp(`^process_id:${pid}\\r?$`, "mu").test(info);
  } catch {
    return false;
  }
}

/** Waits for the fact `isUp`, giving up when `hasEnded` says why it will never come. */
export async function waitUntil(
  isUp: () => Promise<boolean>,
  what: string,
  hasEnded: () => string | undefined,
  withinMs = 15_000,
): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (Date.now() < deadline) {
    const ended = hasEnded();
    if (ended !== undefined) throw new Error(`${what} ended: ${ended}`);
    if (await isUp()) return;
    await sleep(20);
  }
  throw new Error(`${what} did not answer within ${withinMs / 1000} s`);
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("the system offers no TCP port");
  return address.port;
}
