import { createHash } from "node:crypto";

import { Command, type Redis } from "ioredis";

type Argument = string | number | Buffer | undefined;

/** A Lua script, sent whole once per server and by its hash afterwards. */
export interface Script {
  run(redis: Redis, keys: readonly string[], args: readonly Argument[]): Promise<unknown>;
  /** For a script that answers with one text, or with nothing. */
  runForBytes(redis: Redis, keys: readonly string[], args: readonly Argument[]): Promise<Buffer | undefined>;
}

/** @param name for people who read commands as they go by */
export function defineScript(name: string, lua: string): Script {
  const text = `-- understudy:${name}\n${lua}`;
  const sha = createHash("sha1").update(text).digest("hex");
  const evaluate = async (
    redis: Redis,
    keys: readonly string[],
    args: readonly Argument[],
    encoding: Encoding,
  ): Promise<unknown> => {
    const command = commandOf("evalsha", [sha, keys.length, ...keys, ...args], encoding);
    try {
      return await redis.sendCommand(command);
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith("NOSCRIPT")) throw error;
      return await redis.sendCommand(commandOf("eval", [text, keys.length, ...keys, ...args], encoding));
    } finally {
      // Else what was sent lives on until V8 looks through the old generation, and is moved about at every smaller collection.
      command.args = [];
    }
  };
  return {
    run: (redis, keys, args) => evaluate(redis, keys, args, "utf8"),
    async runForBytes(redis, keys, args) {
      const answer = await evaluate(redis, keys, args, null);
      if (answer !== null && !Buffer.isBuffer(answer))
        throw new TypeError(`the script ${name} answered with no text`);
      return answer ?? undefined;
    },
  };
}

/** null for bytes. */
type Encoding = "utf8" | null;

function commandOf(name: string, args: readonly Argument[], replyEncoding: Encoding): Command {
  return new Command(name, args as (string | number | Buffer)[], { replyEncoding });
}
