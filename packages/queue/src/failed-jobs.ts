import type { Redis } from "ioredis";

import { type Family, keyOf } from "./names.ts";

/** A job of a failed set, as much of it as a dead letter is made of. */
export interface FailedJob {
  readonly id: string;
  readonly name: string;
  /** As stored; JSON unless something foreign wrote it. */
  readonly data: string;
  readonly failedReason: string;
  /** Epoch milliseconds, as BullMQ wrote it: tells one failure of a job from the next. */
  readonly finishedOn: string;
  readonly starts: number;
}

/** @param queue "name": jobs that BullMQ has failed and nobody has moved yet; "dead": dead letters */
export async function readFailed(
  redis: Redis,
  family: Family,
  queue: "name" | "dead",
  id: string,
): Promise<FailedJob | undefined> {
  const [score, fields] = await Promise.all([
    redis.zscore(keyOf(family, queue, "failed"), id),
    redis.hmget(keyOf(family, queue, id), "name", "data", "failedReason", "finishedOn", "ats"),
  ]);
  const [name, data, failedReason, finishedOn, starts] = fields;
  if (score === null || typeof finishedOn !== "string") return undefined;
  return {
    id,
    name: name ?? "",
    data: data ?? "",
    failedReason: failedReason ?? "",
    finishedOn,
    starts: Number(starts ?? 0),
  };
}

/** The ids of a failed set, the oldest first. */
export async function failedIds(
  redis: Redis,
  family: Family,
  queue: "name" | "dead",
  page: { readonly offset: number; readonly limit: number },
): Promise<readonly string[]> {
  const key = keyOf(family, queue, "failed");
  return await redis.zrange(key, String(page.offset), String(page.offset + page.limit - 1));
}

export async function countFailed(redis: Redis, family: Family, queue: "name" | "dead"): Promise<number> {
  return await redis.zcard(keyOf(family, queue, "failed"));
}
