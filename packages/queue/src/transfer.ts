import type { Redis } from "ioredis";

import type { FailedJob } from "./failed-jobs.ts";
import { type GroupOf, indexKeys, indexLua } from "./letter-index.ts";
import { type Family, keyOf } from "./names.ts";
import { defineScript } from "./script.ts";

const script = defineScript(
  "transfer",
  `--[[
  Moves one job from a family's failed set to its dead letters.
  KEYS[1..4] of the source queue, KEYS[5..8] of the dead-letter queue:
    the failed set, the job's hash, the job's log, the event stream
  KEYS[9..11] the index of the dead letters: groups, the letter's group, totals
  ARGV[1] the job's id
  ARGV[2] finishedOn of the failure that was looked at
  ARGV[3] the dead letter, JSON
  ARGV[4] "payload" when the job's data is JSON, "raw" when it is not; then ARGV[5] is the data as a JSON string
  ARGV[6] the data of the tombstone, JSON
  ARGV[7] the letter's group   ARGV[8] the group's facets, JSON
  Answers 1 moved, 0 not in the failed set, -1 the hash is gone, -2 part of a flow, -3 failed anew since it was looked at,
  -4 a dead letter of this id exists.
]]
${indexLua}
local call = redis.call
local score = call("ZSCORE", KEYS[1], ARGV[1])
if not score then return 0 end
if call("EXISTS", KEYS[2]) == 0 then
  call("ZREM", KEYS[1], ARGV[1])
  return -1
end
local job = call("HMGET", KEYS[2], "parentKey", "finishedOn", "data", "failedReason", "name", "timestamp")
if job[1] then return -2 end
if (job[2] or "") ~= ARGV[2] then return -3 end
if call("EXISTS", KEYS[6]) == 1 then return -4 end

call("RENAME", KEYS[2], KEYS[6])
-- What is left behind keeps the id taken, so that enqueuing the same job again stays absorbed.
call("HSET", KEYS[2], "name", job[5] or "", "data", ARGV[6], "timestamp", job[6] or "0", "opts", "{}", "tombstone", "1")
if call("EXISTS", KEYS[3]) == 1 then call("RENAME", KEYS[3], KEYS[7]) end
-- By concatenation: a decoder would turn [] into {} and lose digits of numbers.
local data = ARGV[4] == "payload" and job[3] or ARGV[5]
call("HSET", KEYS[6], "data", '{"deadLetter":' .. ARGV[3] .. ',"' .. ARGV[4] .. '":' .. data .. '}')
call("ZREM", KEYS[1], ARGV[1])
local diedAt = job[2] or score
call("HSET", KEYS[6], "finishedOn", diedAt)
call("ZADD", KEYS[5], diedAt, ARGV[1])
enter(KEYS[9], KEYS[10], KEYS[11], KEYS[6], KEYS[7], ARGV[1], diedAt, ARGV[7], ARGV[8])
call("HINCRBY", KEYS[11], "taken", 1)
call("XADD", KEYS[4], "MAXLEN", "~", 10000, "*", "event", "removed", "jobId", ARGV[1], "prev", "failed")
call("XADD", KEYS[8], "MAXLEN", "~", 10000, "*", "event", "failed", "jobId", ARGV[1], "failedReason", job[4] or "", "prev", "active")
return 1`,
);

/** Why a job was not moved. `gone`: somebody else moved it already, which is as good. */
export type TransferAnswer = "moved" | "gone" | "flow_member" | "changed" | "exists";

const answers: Readonly<Record<string, TransferAnswer>> = {
  "1": "moved",
  "0": "gone",
  "-1": "gone",
  "-2": "flow_member",
  "-3": "changed",
  "-4": "exists",
};

/**
 * Moves a failed job to the family's dead letters, byte for byte but for its data, which is wrapped. Exactly once, whoever
 * calls it and how often.
 * @param deadLetter JSON @param tombstone JSON, the data left under the old id
 */
export async function transferFailed(
  redis: Redis,
  family: Family,
  job: FailedJob,
  {
    deadLetter,
    tombstone,
    isJson,
    index,
  }: {
    readonly deadLetter: string;
    readonly tombstone: string;
    readonly isJson: boolean;
    readonly index: GroupOf;
  },
): Promise<TransferAnswer> {
  const keys = (["name", "dead"] as const).flatMap((queue) => [
    keyOf(family, queue, "failed"),
    keyOf(family, queue, job.id),
    `${keyOf(family, queue, job.id)}:logs`,
    keyOf(family, queue, "events"),
  ]);
  const wrapped = isJson ? ["payload", ""] : ["raw", JSON.stringify(job.data)];
  const { group, facets } = index;
  const answer = await script.run(
    redis,
    [...keys, ...indexKeys(family, group)],
    [job.id, job.finishedOn, deadLetter, ...wrapped, tombstone, group, facets],
  );
  return answers[String(answer)] ?? "gone";
}
