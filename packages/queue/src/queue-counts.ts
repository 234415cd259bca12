import { Queue } from "bullmq";
import type { Redis } from "ioredis";

import { flat, valuesOf } from "./letter-index.ts";
import { type Family, keyOf } from "./names.ts";

/** How many jobs are where. */
export interface QueueCounts {
  readonly isPaused: boolean;
  readonly waiting: number;
  readonly delayed: number;
  readonly active: number;
  readonly completed: number;
  /** In the failed set, with no dead letter yet. */
  readonly failed: number;
  readonly dead: number;
  /** When the job that has waited longest was enqueued, epoch milliseconds. */
  readonly oldestWaitingAt?: number;
  /** When the oldest dead letter died, epoch milliseconds. */
  readonly oldestDeadAt?: number;
}

export async function countQueue(redis: Redis, family: Family): Promise<QueueCounts> {
  const key = (part: string): string => keyOf(family, "name", part);
  const dead = keyOf(family, "dead", "failed");
  const answers = valuesOf(
    await redis
      .pipeline()
      .hexists(key("meta"), "paused")
      .llen(key("wait"))
      .zcard(key("prioritized"))
      .zcard(key("delayed"))
      .llen(key("active"))
      .zcard(key("completed"))
      .zcard(key("failed"))
      .zcard(dead)
      .lindex(key("wait"), -1)
      .zrange(key("prioritized"), "0", "0")
      .zrange(dead, "0", "0", "WITHSCORES")
      .exec(),
  );
  const [paused, wait, prioritized, delayed, active, completed, failed, letters] = answers.map(Number);
  const next = [answers[8], (answers[9] as readonly string[])[0]].filter((id) => typeof id === "string");
  const times = await Promise.all(next.map((id) => redis.hget(key(id), "timestamp")));
  const since = times.flatMap((time) => (time === null ? [] : [Number(time)]));
  const oldestDead = flat(answers[10])[1];
  return {
    isPaused: paused === 1,
    waiting: (wait ?? 0) + (prioritized ?? 0),
    delayed: delayed ?? 0,
    active: active ?? 0,
    completed: completed ?? 0,
    failed: failed ?? 0,
    dead: letters ?? 0,
    ...(since.length === 0 ? {} : { oldestWaitingAt: Math.min(...since) }),
    ...(oldestDead === undefined ? {} : { oldestDeadAt: Number(oldestDead) }),
  };
}

/** A paused queue keeps what it has and takes more, but no worker is given any of it. */
export async function pauseQueue(redis: Redis, family: Family, isPaused: boolean): Promise<void> {
  const queue = new Queue(family.name, { connection: redis, prefix: family.prefix });
  try {
    await (isPaused ? queue.pause() : queue.resume());
  } finally {
    await queue.close();
  }
}

/** When a delayed job is due, epoch milliseconds; undefined when that is at once. */
export async function dueAtOf(redis: Redis, family: Family, id: string): Promise<number | undefined> {
  const score = await redis.zscore(keyOf(family, "name", "delayed"), id);
  return score === null || Number(score) === 0 ? undefined : Math.floor(Number(score) / 0x1000);
}

/** How many jobs will be taken before a waiting one; undefined when it does not wait, or behind very many. */
export async function aheadOf(redis: Redis, family: Family, id: string): Promise<number | undefined> {
  const [fromEnd, rank, waiting] = await Promise.all([
    redis.lpos(keyOf(family, "name", "wait"), id, "RANK", -1, "MAXLEN", 100_000),
    redis.zrank(keyOf(family, "name", "prioritized"), id),
    redis.llen(keyOf(family, "name", "wait")),
  ]);
  if (fromEnd !== null) return waiting - 1 - fromEnd;
  return rank === null ? undefined : waiting + rank;
}

/** Whether a worker holds the job now. */
export async function isHeld(redis: Redis, family: Family, id: string): Promise<boolean> {
  return (await redis.exists(`${keyOf(family, "name", id)}:lock`)) === 1;
}

/** The job's own log and stack traces, of a dead letter or a living job. */
export async function readJobLog(
  redis: Redis,
  family: Family,
  queue: "name" | "dead",
  id: string,
): Promise<{ readonly log: readonly string[]; readonly stacktrace: readonly string[] }> {
  const key = keyOf(family, queue, id);
  const [log, stacktrace] = await Promise.all([
    redis.lrange(`${key}:logs`, 0, -1),
    redis.hget(key, "stacktrace"),
  ]);
  return { log, stacktrace: stacktrace === null ? [] : (JSON.parse(stacktrace) as readonly string[]) };
}
