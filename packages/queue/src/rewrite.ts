import type { Redis } from "ioredis";

import type { FailedJob } from "./failed-jobs.ts";
import { type GroupOf, indexKeys, indexLua } from "./letter-index.ts";
import { type Family, keyOf } from "./names.ts";
import { defineScript } from "./script.ts";

const script = defineScript(
  "rewrite",
  `--[[
  Writes a dead letter anew, where it stands.
  KEYS[1] the failed set of the dead-letter queue   KEYS[2] the letter's hash   KEYS[3] its log
  KEYS[4..6] the index: groups, the group it was in, totals   KEYS[7..9] the same, with the group it is in now
  ARGV[1] the job's id
  ARGV[2] finishedOn, ARGV[3] revision and ARGV[4] group of the letter that was looked at
  ARGV[5] its new data, or an empty string to index it only
  ARGV[6] its group now   ARGV[7] the facets of that group, JSON
  ARGV[8] "1" when its other texts are written anew too; then ARGV[9] failedReason, ARGV[10] stacktrace, ARGV[11...] its log
  Answers 1, 0 when there is no such letter, -3 when it is another one by now.
]]
${indexLua}
if not redis.call("ZSCORE", KEYS[1], ARGV[1]) then return 0 end
local letter = redis.call("HMGET", KEYS[2], "finishedOn", "revision")
if letter[1] ~= ARGV[2] or (letter[2] or "") ~= ARGV[3] then return -3 end
leave(KEYS[4], KEYS[5], KEYS[6], KEYS[2], ARGV[1], ARGV[4])
if ARGV[5] ~= "" then
  redis.call("HSET", KEYS[2], "data", ARGV[5])
  redis.call("HINCRBY", KEYS[2], "revision", 1)
end
if ARGV[8] == "1" then
  redis.call("HSET", KEYS[2], "failedReason", ARGV[9], "stacktrace", ARGV[10])
  redis.call("DEL", KEYS[3])
  for i = 11, #ARGV do redis.call("RPUSH", KEYS[3], ARGV[i]) end
end
enter(KEYS[7], KEYS[8], KEYS[9], KEYS[2], KEYS[3], ARGV[1], ARGV[2], ARGV[6], ARGV[7])
return 1`,
);

export type RewriteAnswer = "written" | "gone" | "changed";

interface Rewriting {
  /** The letter as it was read. */
  readonly letter: FailedJob;
  /** JSON; absent when only its place in the index is to be mended. */
  readonly data?: string;
  readonly index: GroupOf;
  /** Its other texts, where something in them is to be hidden from now on. */
  readonly texts?: {
    readonly failedReason: string;
    readonly stacktrace: readonly string[];
    readonly log: readonly string[];
  };
}

/** Writes a dead letter anew, unless it has changed since it was read. */
export async function rewriteDead(
  redis: Redis,
  family: Family,
  { letter: { id, finishedOn, revision, group }, data = "", index, texts }: Rewriting,
): Promise<RewriteAnswer> {
  const key = keyOf(family, "dead", id);
  const anew =
    texts === undefined
      ? ["", "", ""]
      : ["1", texts.failedReason, JSON.stringify(texts.stacktrace), ...texts.log];
  const answer = await script.run(
    redis,
    [
      keyOf(family, "dead", "failed"),
      key,
      `${key}:logs`,
      ...indexKeys(family, group),
      ...indexKeys(family, index.group),
    ],
    [id, finishedOn, revision, group, data, index.group, index.facets, ...anew],
  );
  return answer === 1 ? "written" : answer === 0 ? "gone" : "changed";
}
