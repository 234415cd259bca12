import type { Redis } from "ioredis";

import { defineScript, type Script } from "../script.ts";
import { type Answer, answersIn, FAILED } from "./answers.ts";
import { loadScript, luaFunctions } from "./bullmq-lua.ts";
import { type Finish, finishMany, type Locking } from "./finish-many.ts";

/** One thing that a worker does to a job, which goes together with others. */
export interface Call {
  /** When it is what most are. */
  readonly finish: Finish | undefined;
  /** The same by BullMQ's scripts, of which the last one's answer counts. */
  readonly commands: () => readonly Command[];
}

export interface Command {
  readonly name: (typeof BULLMQ)[number] | "addLogs";
  readonly keys: readonly string[];
  readonly args: readonly Argument[];
}

export type Argument = string | number | Buffer | undefined;

/** BullMQ's scripts that go together, and how many keys they have. */
export const KEYS = { moveToFinished: 14, moveToActive: 11, moveToDelayed: 11 } as const;
const BULLMQ = ["moveToFinished", "moveToActive", "moveToDelayed"] as const;

/** How many calls go by BullMQ's scripts at once after one had to: what was more to it is likely to last. */
const SKIPPED = 8;

/**
 * @param prefix of the queue's keys, with the colon at its end
 * @returns makes the calls in one script call, and answers for each, in order; rejects when the whole did not come through
 */
export function manyMoves(
  redis: Redis,
  prefix: string,
  locking: Locking,
  skipped = SKIPPED,
): (calls: readonly Call[]) => Promise<readonly Answer[]> {
  const finish = finishMany(redis, prefix, locking);
  let toSkip = 0;
  return async (calls) => {
    const finishes = toSkip > 0 ? undefined : ordinary(calls);
    toSkip = Math.max(0, toSkip - 1);
    if (finishes !== undefined) {
      const answers = await finish(finishes);
      if (answers !== undefined) return answers;
      toSkip = skipped;
    }
    return await byBullmq(redis, prefix, calls);
  };
}

/** Undefined when there is another one among them, or one job twice. */
function ordinary(calls: readonly Call[]): readonly Finish[] | undefined {
  const finishes: Finish[] = [];
  const ids = new Set<string>();
  for (const { finish } of calls) {
    if (finish === undefined || ids.has(finish.id)) return undefined;
    if (finish.id !== "") ids.add(finish.id);
    finishes.push(finish);
  }
  return finishes;
}

async function byBullmq(redis: Redis, prefix: string, calls: readonly Call[]): Promise<readonly Answer[]> {
  const args: Argument[] = [];
  const last: number[] = [];
  let count = 0;
  for (const call of calls) {
    const commands = call.commands();
    for (const one of commands)
      args.push(one.name, one.keys.length, one.args.length, ...one.keys, ...one.args);
    last.push((count += commands.length) - 1);
  }
  // Keys that differ from call to call go with its arguments; they are in the same slot of a cluster as this one.
  const packed = await moveScript().runForBytes(redis, [`${prefix}meta`], args);
  const answers = answersIn(packed ?? Buffer.of());
  if (answers.length !== count) throw new Error(`there were ${answers.length} answers to ${count} moves`);
  return last.map((place) => answers[place]);
}

let made: Script | undefined;

/**
 * Read from BullMQ's files once for all queues.
 * @throws Error when this BullMQ does not have the scripts that are known
 */
export function moveScript(): Script {
  made ??= defineScript("move-many", [luaFunctions(BULLMQ.map(fileOf).map(loadScript)), LOOP].join("\n"));
  return made;
}

const fileOf = (name: (typeof BULLMQ)[number]): string => `${name}-${KEYS[name]}`;

/** ARGV: of each call its name, how many keys and arguments it has, and these. Answers with one answer for each, as msgpack. */
const LOOP = `
-- Keys: the job, its log. Arguments: how many lines a log has, the lines, apart by NULs. As BullMQ's addLog does for each of them.
local function addLogs(keys, args)
  if rcall("EXISTS", keys[1]) == 0 then return -1 end
  local count
  for line in string.gmatch(args[2], "[^%z]+") do count = redis.pcall("RPUSH", keys[2], line) end
  if type(count) ~= "number" then return 0 end
  local keep = tonumber(args[1])
  if count > keep then rcall("LTRIM", keys[2], -keep, -1) end
  return math.min(count, keep)
end

local answers, at = {}, 1
while ARGV[at] do
  local keysAt, keyCount, argCount = at + 3, ARGV[at + 1], ARGV[at + 2]
  local argsAt = keysAt + keyCount
  local run = ARGV[at] == "addLogs" and addLogs or bullmq()[ARGV[at]]
  at = argsAt + argCount
  local ok, answer = pcall(run, { unpack(ARGV, keysAt, argsAt - 1) }, { unpack(ARGV, argsAt, at - 1) })
  if not ok or type(answer) == "table" and answer.err then
    answer = { "${FAILED}", type(answer) == "table" and answer.err or tostring(answer) }
  end
  answers[#answers + 1] = answer or false
end
return cmsgpack.pack(answers)`;
