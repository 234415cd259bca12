import type { Redis } from "ioredis";

import type { FailedJob } from "./failed-jobs.ts";
import { indexKeys, indexLua } from "./letter-index.ts";
import { type Family, keyOf } from "./names.ts";
import { defineScript } from "./script.ts";

const script = defineScript(
  "remove",
  `--[[
  Deletes one dead letter. What it left behind under its old id stays for a while, so that a repeated enqueue is absorbed.
  KEYS[1] the failed set of the dead-letter queue   KEYS[2] the letter's hash   KEYS[3] its log   KEYS[4] the event stream
  KEYS[5] the hash under its old id in the source queue
  KEYS[6..8] the index: groups, the letter's group, totals
  ARGV[1] the job's id
  ARGV[2] finishedOn, ARGV[3] revision and ARGV[4] group of the letter that was looked at
  ARGV[5] how long the old id stays taken, milliseconds
  ARGV[6] the counter in totals that counts it
  Answers 1, 0 when there is no such letter, -3 when it is another one by now.
]]
${indexLua}
local call = redis.call
if not call("ZSCORE", KEYS[1], ARGV[1]) then return 0 end
local letter = call("HMGET", KEYS[2], "finishedOn", "revision")
if letter[1] ~= ARGV[2] or (letter[2] or "") ~= ARGV[3] then return -3 end
leave(KEYS[6], KEYS[7], KEYS[8], KEYS[2], ARGV[1], ARGV[4])
call("HINCRBY", KEYS[8], ARGV[6], 1)
call("ZREM", KEYS[1], ARGV[1])
call("DEL", KEYS[2], KEYS[3])
if call("HEXISTS", KEYS[5], "tombstone") == 1 then call("PEXPIRE", KEYS[5], ARGV[5]) end
call("XADD", KEYS[4], "MAXLEN", "~", 10000, "*", "event", "removed", "jobId", ARGV[1], "prev", "failed")
return 1`,
);

export type RemoveAnswer = "removed" | "gone" | "changed";

interface Removal {
  /** The letter as it was read. */
  readonly letter: FailedJob;
  /** How long a repeated enqueue of the job is absorbed from now on. */
  readonly absorbMs: number;
  readonly counter: "discarded" | "expired";
}

/** Deletes a dead letter, unless it has changed since it was read. */
export async function removeDead(
  redis: Redis,
  family: Family,
  { letter: { id, finishedOn, revision, group }, absorbMs, counter }: Removal,
): Promise<RemoveAnswer> {
  const key = keyOf(family, "dead", id);
  const answer = await script.run(
    redis,
    [
      keyOf(family, "dead", "failed"),
      key,
      `${key}:logs`,
      keyOf(family, "dead", "events"),
      keyOf(family, "name", id),
      ...indexKeys(family, group),
    ],
    [id, finishedOn, revision, group, absorbMs, counter],
  );
  return answer === 1 ? "removed" : answer === 0 ? "gone" : "changed";
}
