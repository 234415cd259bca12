import { UnderstudyError } from "@understudy/core";
import { connectProducer, type Redis } from "@understudy/queue";

/** No page may wait longer for Redis than a person would. */
const DEADLINE_MS = 3000;

/** Fails fast, reconnects by itself, and says nothing of errors: who asks is told. */
export function connectRedis(url: string): Redis {
  const redis = connectProducer(url);
  redis.on("error", () => undefined);
  return redis;
}

/** @throws UnderstudyError redis_unreachable */
export async function withinDeadline<T>(asked: Promise<T>, deadlineMs = DEADLINE_MS): Promise<T> {
  const giveUp = AbortSignal.timeout(deadlineMs);
  const overdue = new Promise<never>((_, reject) => {
    giveUp.addEventListener("abort", () => reject(unreachable()), { once: true });
  });
  try {
    return await Promise.race([asked, overdue]);
  } catch (error) {
    throw isConnectionTrouble(error) ? unreachable(error) : error;
  }
}

function unreachable(cause?: unknown): UnderstudyError {
  return new UnderstudyError("redis_unreachable", "Redis does not answer.", { cause });
}

const troubles = [
  "Stream isn't writeable",
  "Connection is closed",
  "ECONNREFUSED",
  "ECONNRESET",
  "max retries",
  "ETIMEDOUT",
  "ENOTFOUND",
  "EPIPE",
  "LOADING",
];

export function isConnectionTrouble(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return troubles.some((words) => error.message.includes(words) || ("code" in error && error.code === words));
}
