import type { Redis } from "ioredis";

import { type Family, keyOf } from "./names.ts";
import { defineScript } from "./script.ts";

const script = defineScript(
  "fenced-write",
  `--[[
  KEYS[1] the job's hash      ARGV[1] the lock token of the writer
  KEYS[2] the job's lock      ARGV[2] the new data, JSON
  Answers 1, or 0 when the writer no longer holds the lock.
]]
if redis.call("GET", KEYS[2]) ~= ARGV[1] then return 0 end
redis.call("HSET", KEYS[1], "data", ARGV[2])
return 1`,
);

/**
 * Writes a running job's data if `token` still holds its lock; false when it does not. Unfenced, a worker that lost its
 * lock would overwrite its successor.
 * @param data JSON
 */
export async function writeFenced(
  redis: Redis,
  family: Family,
  jobId: string,
  token: string,
  data: string,
): Promise<boolean> {
  const key = keyOf(family, "name", jobId);
  return (await script.run(redis, [key, `${key}:lock`], [token, data])) === 1;
}
