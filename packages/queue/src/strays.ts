import type { Redis } from "ioredis";

import { type GroupOf, indexKeys, indexLua, valuesOf } from "./letter-index.ts";
import { type Family, keyOf } from "./names.ts";
import { defineScript } from "./script.ts";

/** As long as a repeated enqueue is usually absorbed. */
const ABSORB_MS = 86_400_000;

const putBack = defineScript(
  "put-back",
  `--[[
  Puts a dead letter back where it belongs, which a tool that knows nothing of dead letters has "retried": no worker serves their queue.
  KEYS[1] wait  KEYS[2] delayed  KEYS[3] prioritized  KEYS[4] active  KEYS[5] failed, all of the dead-letter queue
  KEYS[6] the letter's hash
  ARGV[1] the job's id   ARGV[2] when it died, epoch milliseconds   ARGV[3] failedReason
  Answers 1, or 0 when it is not astray.
]]
local call = redis.call
local found = call("LREM", KEYS[1], 0, ARGV[1]) + call("ZREM", KEYS[2], ARGV[1])
  + call("ZREM", KEYS[3], ARGV[1]) + call("LREM", KEYS[4], 0, ARGV[1])
if found == 0 then return 0 end
call("HSET", KEYS[6], "finishedOn", ARGV[2], "failedReason", ARGV[3])
call("ZADD", KEYS[5], ARGV[2], ARGV[1])
return 1`,
);

const forget = defineScript(
  "forget",
  `--[[
  Takes out of the index what is no dead letter any more.
  KEYS[1] the failed set of the dead-letter queue   KEYS[2] the letter's hash
  KEYS[3..5] the index: groups, the group, totals   KEYS[6] the hash under its old id in the source queue
  ARGV[1] the job's id   ARGV[2] the group
  ARGV[3] how long the old id stays taken when the letter is gone, milliseconds
  Answers 1, or 0 when it is a dead letter.
]]
${indexLua}
if redis.call("ZSCORE", KEYS[1], ARGV[1]) then return 0 end
leave(KEYS[3], KEYS[4], KEYS[5], KEYS[2], ARGV[1], ARGV[2])
if redis.call("EXISTS", KEYS[2]) == 0 and redis.call("HEXISTS", KEYS[6], "tombstone") == 1 and redis.call("PTTL", KEYS[6]) < 0 then
  redis.call("PEXPIRE", KEYS[6], ARGV[3])
end
return 1`,
);

const drop = defineScript(
  "drop",
  `--[[
  Takes an id out of the failed set when there is no job of it any more.
  KEYS[1] the failed set   KEYS[2] the job's hash   ARGV[1] the job's id
]]
if redis.call("EXISTS", KEYS[2]) == 1 then return 0 end
return redis.call("ZREM", KEYS[1], ARGV[1])`,
);

/** Takes an id out of a family's failed set when something foreign has deleted its job; false when it is there. */
export async function dropGhost(redis: Redis, family: Family, id: string): Promise<boolean> {
  return (await drop.run(redis, [keyOf(family, "name", "failed"), keyOf(family, "name", id)], [id])) === 1;
}

/** Dead letters that lie where only a living job should, with their data. */
export async function strayLetters(
  redis: Redis,
  family: Family,
): Promise<readonly { readonly id: string; readonly data: string }[]> {
  const key = (part: string): string => keyOf(family, "dead", part);
  const lists = valuesOf(
    await redis
      .pipeline()
      .lrange(key("wait"), 0, 999)
      .zrange(key("delayed"), "0", "999")
      .zrange(key("prioritized"), "0", "999")
      .lrange(key("active"), 0, 999)
      .exec(),
  ) as readonly (readonly string[])[];
  const ids = [...new Set(lists.flat())];
  const datas = await Promise.all(ids.map((id) => redis.hget(key(id), "data")));
  return ids.flatMap((id, i) => (typeof datas[i] === "string" ? [{ id, data: datas[i] }] : []));
}

export async function returnStray(
  redis: Redis,
  family: Family,
  { id, diedAt, reason }: { readonly id: string; readonly diedAt: number; readonly reason: string },
): Promise<boolean> {
  const keys = ["wait", "delayed", "prioritized", "active", "failed", id].map((part) =>
    keyOf(family, "dead", part),
  );
  return (await putBack.run(redis, keys, [id, diedAt, reason])) === 1;
}

/** Takes an id out of the index if it is no dead letter, for instance because something foreign has deleted it. */
export async function forgetGhost(
  redis: Redis,
  family: Family,
  id: string,
  group: GroupOf["group"],
): Promise<boolean> {
  const keys = [
    keyOf(family, "dead", "failed"),
    keyOf(family, "dead", id),
    ...indexKeys(family, group),
    keyOf(family, "name", id),
  ];
  return (await forget.run(redis, keys, [id, group, ABSORB_MS])) === 1;
}
