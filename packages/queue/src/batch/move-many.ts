import type { Redis } from "ioredis";

import { KEEP_LOG_LINES } from "../new-job.ts";
import { defineScript, type Script } from "../script.ts";
import { type Answer, answersIn, FAILED } from "./answers.ts";
import { loadScript, luaFunctions } from "./bullmq-lua.ts";
import { type Finish, finishMany, type Locking } from "./finish-many.ts";

/** One thing that a worker does to a job, which goes together with others. */
export interface Call {
  /** When it is what most are. */
  readonly finish: Finish | undefined;
  /** The same by BullMQ's script. */
  readonly command: () => Command;
}

export interface OrdinaryCall extends Call {
  readonly finish: Finish;
}

export interface Command {
  readonly name: (typeof BULLMQ)[number] | "addLogs";
  readonly keys: readonly string[];
  readonly args: readonly Argument[];
  /** For the job's log, once it has moved. */
  readonly lines?: string;
}

export type Argument = string | number | Buffer | undefined;

/** BullMQ's scripts that go together, and how many keys they have. */
export const KEYS = { moveToFinished: 14, moveToActive: 11, moveToDelayed: 11 } as const;
const BULLMQ = ["moveToFinished", "moveToActive", "moveToDelayed"] as const;

/** How many script calls go by BullMQ's at once after one had to: what was more to it is likely to last. */
const SKIPPED = 8;
/** What is over once it is done lasts all the same when it comes so often in a row: more often than there are script calls under way. */
const OFTEN = 6;

/** An answer for each call, in order. */
export type Many<C> = (calls: readonly C[]) => Promise<readonly Answer[]>;

/**
 * @param prefix of the queue's keys, with the colon at its end
 * @returns makes the calls, in one script call or in none and another, and answers for each, in order; rejects when the whole did not come
 * through
 */
export function manyFinishes(
  redis: Redis,
  prefix: string,
  locking: Locking,
  skipped = SKIPPED,
): Many<OrdinaryCall> {
  const finish = finishMany(redis, prefix, locking);
  const move = manyMoves(redis, prefix);
  let toSkip = 0;
  let inARow = 0;
  return async (calls) => {
    if (toSkip > 0) {
      toSkip -= 1;
      return await move(calls);
    }
    if (haveOneTwice(calls)) return await move(calls);
    const answers = await finish(calls.map((call) => call.finish));
    if (typeof answers === "object") {
      inARow = 0;
      return answers;
    }
    inARow = answers === "more to it" ? OFTEN : inARow + 1;
    if (inARow >= OFTEN) toSkip = skipped;
    return await move(calls);
  };
}

function haveOneTwice(calls: readonly OrdinaryCall[]): boolean {
  const ids = calls.map(({ finish }) => finish.id).filter((id) => id !== "");
  return new Set(ids).size < ids.length;
}

/** As `manyFinishes`, whatever they are, by BullMQ's scripts. */
export function manyMoves(redis: Redis, prefix: string): Many<Call> {
  return async (calls) => {
    const args: Argument[] = [KEEP_LOG_LINES];
    for (const call of calls) {
      const { name, keys, args: own, lines = "" } = call.command();
      args.push(name, keys.length, own.length, lines, ...keys, ...own);
    }
    // Keys that differ from call to call go with its arguments; they are in the same slot of a cluster as this one.
    const packed = await moveScript().runForBytes(redis, [`${prefix}meta`], args);
    return answersIn(packed ?? Buffer.of());
  };
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

/**
 * ARGV: how many lines a log has; of each call its name, how many keys and arguments it has, lines for the log of the job whose key is its
 * twelfth, these keys and arguments. Answers with one answer for each, as msgpack.
 */
const LOOP = `
-- Lines are apart by NULs. As BullMQ's addLog does for each of them.
local function addLines(key, lines, keep)
  if rcall("EXISTS", key) == 0 then return -1 end
  local logs, count = key .. ":logs", nil
  for line in string.gmatch(lines, "[^%z]+") do count = redis.pcall("RPUSH", logs, line) end
  if type(count) ~= "number" then return 0 end
  if count > keep then rcall("LTRIM", logs, -keep, -1) end
  return math.min(count, keep)
end
local function addLogs(keys, args) return addLines(keys[1], args[2], tonumber(args[1])) end

local answers, at = {}, 2
while ARGV[at] do
  local keysAt, keyCount, argCount, lines = at + 4, ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
  local argsAt = keysAt + keyCount
  local run, keys = ARGV[at] == "addLogs" and addLogs or bullmq()[ARGV[at]], { unpack(ARGV, keysAt, argsAt - 1) }
  at = argsAt + argCount
  local ok, answer = pcall(run, keys, { unpack(ARGV, argsAt, at - 1) })
  local isError = type(answer) == "table" and answer.err
  if not ok or isError then
    answer = { "${FAILED}", isError or tostring(answer) }
  elseif lines ~= "" and not (type(answer) == "number" and answer < 0) then
    addLines(keys[12], lines, tonumber(ARGV[1]))
  end
  answers[#answers + 1] = answer or false
end
return cmsgpack.pack(answers)`;
