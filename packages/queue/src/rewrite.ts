import type { Redis } from "ioredis";

import { type Family, keyOf } from "./names.ts";
import { defineScript } from "./script.ts";

const script = defineScript(
  "rewrite",
  `--[[
  Writes a dead letter anew, where it stands.
  KEYS[1] the failed set of the dead-letter queue   KEYS[2] the letter's hash
  ARGV[1] the job's id
  ARGV[2] finishedOn and ARGV[3] the data of the letter that was looked at
  ARGV[4] its new data
  Answers 1, 0 when there is no such letter, -3 when it is another one by now.
]]
if not redis.call("ZSCORE", KEYS[1], ARGV[1]) then return 0 end
local letter = redis.call("HMGET", KEYS[2], "finishedOn", "data")
if letter[1] ~= ARGV[2] or letter[2] ~= ARGV[3] then return -3 end
redis.call("HSET", KEYS[2], "data", ARGV[4])
return 1`,
);

export type RewriteAnswer = "written" | "gone" | "changed";

interface Rewriting {
  readonly id: string;
  /** Of the letter as it was read. */
  readonly finishedOn: string;
  readonly before: string;
  /** JSON. */
  readonly after: string;
}

/** Writes a dead letter anew, unless it has changed since it was read. */
export async function rewriteDead(
  redis: Redis,
  family: Family,
  { id, finishedOn, before, after }: Rewriting,
): Promise<RewriteAnswer> {
  const keys = [keyOf(family, "dead", "failed"), keyOf(family, "dead", id)];
  const answer = await script.run(redis, keys, [id, finishedOn, before, after]);
  return answer === 1 ? "written" : answer === 0 ? "gone" : "changed";
}
