import { createHash } from "node:crypto";

import { Command, type Redis } from "ioredis";

/** A Lua script, sent whole once per server and by its hash afterwards. */
export interface Script {
  run(
    redis: Redis,
    keys: readonly string[],
    args: readonly (string | number | Buffer | undefined)[],
  ): Promise<unknown>;
}

/** @param name for people who read commands as they go by */
export function defineScript(name: string, lua: string): Script {
  const text = `-- understudy:${name}\n${lua}`;
  const sha = createHash("sha1").update(text).digest("hex");
  return {
    async run(redis, keys, args) {
      const parts = [keys.length, ...keys, ...args] as readonly Argument[];
      try {
        return await send(redis, "evalsha", [sha, ...parts]);
      } catch (error) {
        if (!(error instanceof Error) || !error.message.startsWith("NOSCRIPT")) throw error;
        return await send(redis, "eval", [text, ...parts]);
      }
    },
  };
}

type Argument = string | number | Buffer;

async function send(redis: Redis, name: string, args: readonly Argument[]): Promise<unknown> {
  const command = new Command(name, [...args], { replyEncoding: "utf8" });
  try {
    return await redis.sendCommand(command);
  } finally {
    // Else what was sent lives on until V8 looks through the old generation, and is moved about at every smaller collection.
    command.args = [];
  }
}
