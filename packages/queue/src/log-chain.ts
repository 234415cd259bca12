import type { Redis } from "ioredis";

import { familyOf } from "./names.ts";
import { defineScript } from "./script.ts";

const script = defineScript(
  "append",
  `--[[
  Appends to a log whose last line is known.
  KEYS[1] the log, a list
  ARGV[1] its last line as it was read, empty when it had none
  ARGV[2] the new line
  Answers 1, or 0 when somebody else has appended meanwhile.
]]
if (redis.call("LINDEX", KEYS[1], -1) or "") ~= ARGV[1] then return 0 end
redis.call("RPUSH", KEYS[1], ARGV[2])
return 1`,
);

const keyOfLog = (namespace: string | undefined): string =>
  `${familyOf("any", namespace).namespace}:{audit}:log`;

/** An append-only log in which each line is made from the one before it. */
export interface LogChain {
  /** @param make the new line from the last one; called again when somebody else was quicker */
  append(make: (last: string | undefined) => string): Promise<string>;
  /** @param from 0 for the first line */
  read(from: number, to: number): Promise<readonly string[]>;
  length(): Promise<number>;
}

export function openLogChain(redis: Redis, namespace?: string): LogChain {
  const key = keyOfLog(namespace);
  return {
    async append(make) {
      for (;;) {
        const last = await redis.lindex(key, -1);
        const line = make(last ?? undefined);
        if ((await script.run(redis, [key], [last ?? "", line])) === 1) return line;
      }
    },
    read: (from, to) => redis.lrange(key, from, to),
    length: () => redis.llen(key),
  };
}
