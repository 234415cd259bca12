import type { Redis } from "ioredis";

import { familyOf } from "./names.ts";
import { defineScript } from "./script.ts";

const script = defineScript(
  "run-progress",
  `--[[
  Writes how far a run is, if the writer still drives it, and tells whether it is to go on.
  KEYS[1] the run's hash   KEYS[2] who drives it
  ARGV[1] the writer's token   ARGV[2] how long it may stay silent, milliseconds
  ARGV[3...] fields and values
  Answers the run's state, or an empty string when somebody else drives it.
]]
if redis.call("GET", KEYS[2]) ~= ARGV[1] then return "" end
redis.call("PEXPIRE", KEYS[2], ARGV[2])
if #ARGV > 2 then redis.call("HSET", KEYS[1], unpack(ARGV, 3)) end
return redis.call("HGET", KEYS[1], "state")`,
);

const KEEP_MS = 30 * 86_400_000;

/** Who drives a run and does not say so for that long has died. */
export const RUN_LEASE_MS = 5000;

const keyOfRun = (namespace: string | undefined, part: string): string =>
  `${familyOf("any", namespace).namespace}:{runs}:${part}`;

/** A run's fields, as stored. */
export type RunFields = Readonly<Record<string, string>>;

/** Durable records of bulk actions; one process drives each. They are forgotten after 30 days. */
export interface RunRecords {
  /** Does nothing when it is there already. */
  create(id: string, startedAt: number, fields: RunFields): Promise<void>;
  read(id: string): Promise<{ readonly fields: RunFields; readonly isDriven: boolean } | undefined>;
  /** The newest first. */
  list(limit: number): Promise<readonly string[]>;
  set(id: string, fields: RunFields): Promise<void>;
  /** Makes `token` the one that drives it, unless somebody else is. */
  acquire(id: string, token: string): Promise<boolean>;
  /** @returns the run's state; undefined when the token does not drive it any more */
  progress(id: string, token: string, fields: RunFields): Promise<string | undefined>;
  yield(id: string, token: string): Promise<void>;
}

export function openRuns(redis: Redis, namespace?: string): RunRecords {
  const key = (id: string): string => keyOfRun(namespace, id);
  const lease = (id: string): string => keyOfRun(namespace, `${id}:driver`);
  const progress = async (id: string, token: string, fields: RunFields): Promise<string | undefined> => {
    const flat = Object.entries(fields).flat();
    const state = await script.run(redis, [key(id), lease(id)], [token, RUN_LEASE_MS, ...flat]);
    return typeof state === "string" && state !== "" ? state : undefined;
  };
  return {
    async create(id, startedAt, fields) {
      await redis
        .multi()
        .hset(key(id), fields)
        .pexpire(key(id), KEEP_MS)
        .zadd(keyOfRun(namespace, "all"), startedAt, id)
        .zremrangebyscore(keyOfRun(namespace, "all"), "-inf", startedAt - KEEP_MS)
        .exec();
    },
    async read(id) {
      const [fields, driver] = await Promise.all([redis.hgetall(key(id)), redis.exists(lease(id))]);
      return Object.keys(fields).length === 0 ? undefined : { fields, isDriven: driver === 1 };
    },
    list: (limit) => redis.zrevrange(keyOfRun(namespace, "all"), "0", String(limit - 1)),
    async set(id, fields) {
      await redis.hset(key(id), fields);
    },
    async acquire(id, token) {
      return (await redis.set(lease(id), token, "PX", RUN_LEASE_MS, "NX")) === "OK";
    },
    progress,
    async yield(id, token) {
      if ((await redis.get(lease(id))) === token) await redis.del(lease(id));
    },
  };
}
