import type { Redis } from "ioredis";

/** A Lua script, sent whole once per server and by its hash afterwards. */
export type Script = (
  redis: Redis,
  keys: readonly string[],
  args: readonly (string | number)[],
) => Promise<unknown>;

/** @param name unique in this process; connections remember scripts by it */
export function defineScript(name: string, lua: string): Script {
  const command = `understudy:${name}`;
  return async (redis, keys, args) => {
    if (!(command in redis)) redis.defineCommand(command, { lua });
    const call = Reflect.get(redis, command) as (...parts: readonly unknown[]) => Promise<unknown>;
    return await call.call(redis, keys.length, ...keys, ...args);
  };
}
