import type { Redis } from "ioredis";

import type { FailedJob } from "./failed-jobs.ts";
import { indexKeys, indexLua } from "./letter-index.ts";
import { type Family, keyOf } from "./names.ts";
import { defineScript } from "./script.ts";

const script = defineScript(
  "restore",
  `--[[
  Moves one dead letter back to where its job waits: the inverse of transfer, with the job's counters at their start.
  KEYS[1..4] of the source queue, KEYS[5..8] of the dead-letter queue:
    the delayed set, the job's hash, the job's log, the event stream; there the failed set instead of the delayed one
  KEYS[9] the marker that wakes the source queue's workers
  KEYS[10..12] the index of the dead letters: groups, the letter's group, totals
  ARGV[1] the job's id
  ARGV[2] finishedOn, ARGV[3] revision and ARGV[4] group of the letter that was looked at
  ARGV[5] the job's new data
  ARGV[6] the counter in totals that counts it
  Answers 1 restored, 0 no such letter, -3 it is another letter by now, -4 a live job holds its id.
]]
${indexLua}
local call = redis.call
if not call("ZSCORE", KEYS[5], ARGV[1]) then return 0 end
local letter = call("HMGET", KEYS[6], "finishedOn", "revision")
if letter[1] ~= ARGV[2] or (letter[2] or "") ~= ARGV[3] then return -3 end
if call("EXISTS", KEYS[2]) == 1 and call("HEXISTS", KEYS[2], "tombstone") == 0 then return -4 end

leave(KEYS[10], KEYS[11], KEYS[12], KEYS[6], ARGV[1], ARGV[4])
call("HINCRBY", KEYS[12], ARGV[6], 1)
call("DEL", KEYS[2])
call("RENAME", KEYS[6], KEYS[2])
call("HDEL", KEYS[2], "finishedOn", "processedOn", "failedReason", "stacktrace", "returnvalue", "atm", "ats", "stc", "defa", "revision")
call("HSET", KEYS[2], "data", ARGV[5], "delay", "0")
if call("EXISTS", KEYS[7]) == 1 then call("RENAME", KEYS[7], KEYS[3]) end
call("ZREM", KEYS[5], ARGV[1])
-- Through the delayed set, as a job whose time has come, by whatever clock: BullMQ's own fetch promotes it, priority and pauses
-- included.
call("ZADD", KEYS[1], 0, ARGV[1])
call("ZADD", KEYS[9], 0, "1")
call("XADD", KEYS[8], "MAXLEN", "~", 10000, "*", "event", "removed", "jobId", ARGV[1], "prev", "failed")
call("XADD", KEYS[4], "MAXLEN", "~", 10000, "*", "event", "delayed", "jobId", ARGV[1], "delay", "0")
return 1`,
);

/** Why a dead letter was not restored. `gone`: somebody else took it already. `live`: its id is held by a living job. */
export type RestoreAnswer = "restored" | "gone" | "changed" | "live";

const answers: Readonly<Record<string, RestoreAnswer>> = {
  "1": "restored",
  "0": "gone",
  "-3": "changed",
  "-4": "live",
};

interface Restoration {
  /** The letter as it was read. */
  readonly letter: FailedJob;
  /** JSON. */
  readonly data: string;
  /** Which counter of the family's totals counts it. */
  readonly counter: "redriven" | "looked_up";
}

/** Moves a dead letter back to its queue, where it starts anew at once. Exactly once, whoever calls it and how often. */
export async function restoreDead(
  redis: Redis,
  family: Family,
  { letter: { id, finishedOn, revision, group }, data, counter }: Restoration,
): Promise<RestoreAnswer> {
  const keysOf = (queue: "name" | "dead", set: string): readonly string[] => [
    keyOf(family, queue, set),
    keyOf(family, queue, id),
    `${keyOf(family, queue, id)}:logs`,
    keyOf(family, queue, "events"),
  ];
  const keys = [
    ...keysOf("name", "delayed"),
    ...keysOf("dead", "failed"),
    keyOf(family, "name", "marker"),
    ...indexKeys(family, group),
  ];
  const answer = await script.run(redis, keys, [id, finishedOn, revision, group, data, counter]);
  return answers[String(answer)] ?? "gone";
}
