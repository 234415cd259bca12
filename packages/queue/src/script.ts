import type { Redis } from "ioredis";

/** A Lua script, sent whole once per server and by its hash afterwards. */
export interface Script {
  run(
    redis: Redis,
    keys: readonly string[],
    args: readonly (string | number | Buffer | undefined)[],
  ): Promise<unknown>;
}

/** @param name unique in this process; connections remember scripts by it */
export function defineScript(name: string, lua: string): Script {
  const command = `understudy:${name}`;
  const known = new WeakSet<Redis>();
  return {
    async run(redis, keys, args) {
      if (!known.has(redis)) {
        redis.defineCommand(command, { lua });
        known.add(redis);
      }
      const call = Reflect.get(redis, command) as (...parts: readonly unknown[]) => Promise<unknown>;
      return await call.call(redis, keys.length, ...keys, ...args);
    },
  };
}
