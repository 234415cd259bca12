import type { Redis } from "ioredis";

import { type Family, keyOf } from "./names.ts";
import { defineScript } from "./script.ts";

const script = defineScript(
  "cancel",
  `--[[
  Fails a job that waits, so that nobody runs it.
  KEYS[1] wait  KEYS[2] delayed  KEYS[3] prioritized  KEYS[4] failed  KEYS[5] the job's hash  KEYS[6] the event stream
  ARGV[1] the job's id
  ARGV[2] its data as it was looked at   ARGV[3] its new data
  ARGV[4] why, for people                ARGV[5] now, epoch milliseconds
  ARGV[6] how often it had been started when it was looked at
  Answers 1, or 0 when it does not wait, or has been run since it was looked at.
]]
local call = redis.call
local job = call("HMGET", KEYS[5], "data", "ats")
if job[1] ~= ARGV[2] or (job[2] or "0") ~= ARGV[6] then return 0 end
local found = call("LREM", KEYS[1], 0, ARGV[1]) + call("ZREM", KEYS[2], ARGV[1]) + call("ZREM", KEYS[3], ARGV[1])
if found == 0 then return 0 end
call("HSET", KEYS[5], "data", ARGV[3], "failedReason", ARGV[4], "finishedOn", ARGV[5])
call("ZADD", KEYS[4], ARGV[5], ARGV[1])
call("XADD", KEYS[6], "MAXLEN", "~", 10000, "*", "event", "failed", "jobId", ARGV[1], "failedReason", ARGV[4], "prev", "waiting")
return 1`,
);

interface Cancellation {
  readonly id: string;
  /** The job's data as it was looked at, JSON. */
  readonly data: string;
  /** How often it had been started then: a run that ended with its worker leaves the data as it was. */
  readonly starts: string;
  /** JSON, with its ending. */
  readonly cancelled: string;
  readonly reason: string;
  readonly now: number;
}

/** Fails a waiting or delayed job; false when it does not wait any more. The janitor moves it to the dead letters. */
export async function cancelWaiting(
  redis: Redis,
  family: Family,
  { id, data, starts, cancelled, reason, now }: Cancellation,
): Promise<boolean> {
  const sets = ["wait", "delayed", "prioritized", "failed", id, "events"].map((part) =>
    keyOf(family, "name", part),
  );
  return (await script.run(redis, sets, [id, data, cancelled, reason, now, starts])) === 1;
}

const channelOf = (family: Family): string => `${family.prefix}:cancel`;

/** A person or program wants a job to end. */
export interface CancelRequest {
  readonly id: string;
  /** For people. */
  readonly reason: string;
}

/** Asks whichever worker runs the job to stop it. */
export async function askToCancel(redis: Redis, family: Family, request: CancelRequest): Promise<void> {
  await redis.publish(channelOf(family), JSON.stringify(request));
}

/**
 * Hears of the cancelled jobs of these families.
 * @param redis a connection of its own: it can be used for nothing else
 */
export async function onCancel(
  redis: Redis,
  families: readonly Family[],
  cancel: (family: Family, request: CancelRequest) => void,
): Promise<void> {
  const byChannel = new Map(families.map((family) => [channelOf(family), family]));
  redis.on("message", (channel: string, message: string) => {
    const family = byChannel.get(channel);
    const request = read(message);
    if (family !== undefined && request !== undefined) cancel(family, request);
  });
  await redis.subscribe(...byChannel.keys());
}

function read(message: string): CancelRequest | undefined {
  try {
    const { id, reason } = JSON.parse(message) as Partial<CancelRequest>;
    return typeof id === "string" && typeof reason === "string" ? { id, reason } : undefined;
  } catch {
    return undefined;
  }
}
