import type { Redis } from "ioredis";

import { valuesOf } from "./letter-index.ts";
import { type Family, keyOf } from "./names.ts";
import { defineScript } from "./script.ts";

const script = defineScript(
  "quarantine",
  `--[[
  Fails a job that no worker holds.
  KEYS[1] wait  KEYS[2] active  KEYS[3] failed  KEYS[4] the set of jobs that may be stalled  KEYS[5] the job's hash
  KEYS[6] its lock  KEYS[7] the event stream
  ARGV[1] the job's id   ARGV[2] how often it had stalled when it was looked at
  ARGV[3] why, for people   ARGV[4] now, epoch milliseconds
  Answers 1, or 0 when somebody holds it, or has done something with it since it was looked at.
]]
local call = redis.call
if call("EXISTS", KEYS[6]) == 1 or call("HGET", KEYS[5], "stc") ~= ARGV[2] then return 0 end
if call("HEXISTS", KEYS[5], "parentKey") == 1 then return 0 end
if call("LREM", KEYS[1], 0, ARGV[1]) + call("LREM", KEYS[2], 0, ARGV[1]) == 0 then return 0 end
call("SREM", KEYS[4], ARGV[1])
call("HSET", KEYS[5], "failedReason", ARGV[3], "finishedOn", ARGV[4])
call("ZADD", KEYS[3], ARGV[4], ARGV[1])
call("XADD", KEYS[7], "MAXLEN", "~", 10000, "*", "event", "failed", "jobId", ARGV[1], "failedReason", ARGV[3], "prev", "active")
return 1`,
);

/** A job that was lost with its worker again and again, and that BullMQ would take up for ever. */
export interface Suspect {
  readonly id: string;
  readonly stalls: string;
  readonly data: string;
  /** BullMQ has given it up already, and waits for a worker to say so. */
  readonly givenUp?: string;
}

const LOOKED_AT = 1000;

/** Jobs that were lost with a worker at least once, are held by none, and are the next to be taken up. */
export async function suspects(redis: Redis, family: Family): Promise<readonly Suspect[]> {
  const key = (part: string): string => keyOf(family, "name", part);
  const [active, waiting] = await Promise.all([
    redis.lrange(key("active"), 0, LOOKED_AT - 1),
    // BullMQ takes from the end.
    redis.lrange(key("wait"), -LOOKED_AT, -1),
  ]);
  const ids = [...new Set([...active, ...waiting])];
  const pipeline = redis.pipeline();
  for (const id of ids) pipeline.hget(key(id), "stc").exists(`${key(id)}:lock`);
  const answers = valuesOf(await pipeline.exec());
  const stalled = ids.flatMap((id, i) => {
    const [stalls, isHeld] = answers.slice(2 * i, 2 * i + 2);
    return typeof stalls === "string" && isHeld === 0 ? [{ id, stalls }] : [];
  });
  return await Promise.all(
    stalled.map(async (one) => {
      const [data, givenUp] = await redis.hmget(key(one.id), "data", "defa");
      return { ...one, data: data ?? "", ...(typeof givenUp === "string" ? { givenUp } : {}) };
    }),
  );
}

/** Fails it, so that it becomes a dead letter; false when it is no longer what was looked at. */
export async function quarantine(
  redis: Redis,
  family: Family,
  { id, stalls }: Suspect,
  { reason, now }: { readonly reason: string; readonly now: number },
): Promise<boolean> {
  const key = (part: string): string => keyOf(family, "name", part);
  const keys = [...["wait", "active", "failed", "stalled", id].map(key), `${key(id)}:lock`, key("events")];
  return (await script.run(redis, keys, [id, stalls, reason, now])) === 1;
}
