import type { Redis } from "ioredis";
import { Unpackr } from "msgpackr";

import { defineScript, type Script } from "../script.ts";
import { loadScript, luaFunctions } from "./bullmq-lua.ts";
import { addOne, LEAN_ADD, TELLS_WHAT_IS_TAKEN, WANTED_BY_ADD } from "./lean-add.ts";
import { byBullmq, LEAN_MOVE, WANTED_BY_MOVE } from "./lean-move.ts";

/** One thing to do in Redis, together with others. */
export interface Call {
  /** Which of the kinds of its `Many`. */
  readonly kind: string;
  /** All keys of its kind. */
  readonly keys: readonly string[];
  readonly args: readonly Argument[];
  /** What many calls have in common, as one and the same object; it is sent once. Their last argument, for the script. */
  readonly shared?: Shared;
}

/** Texts, the first of which is JSON; as many as all have of its `Many`. */
export type Shared = readonly string[];

export type Argument = string | number | Buffer | undefined;

/** What BullMQ's script answered; an Error when it failed, which concerns this call alone. */
export type Answer = unknown;

/** Kinds of calls of which many can go to Redis in one. */
export interface Many {
  /**
   * @param prefix of the queue's keys, with the colon at its end
   * @returns an answer for each call, in order. Rejects when the whole did not come through.
   */
  run(redis: Redis, prefix: string, calls: readonly Call[]): Promise<readonly Answer[]>;
}

interface Kind {
  readonly name: string;
  /** The Lua function that does it, given its keys and where in ARGV its arguments begin. */
  readonly run: string;
  readonly keys: number;
  readonly args: number;
  /** Which of its keys, counted from 1, differ from call to call. */
  readonly own: readonly number[];
  /**
   * Does a call alone, where there is no more to it than to most: KEYS all of its keys, ARGV the prefix, its arguments and what it shares.
   * Answers as BullMQ, or null when it has done nothing.
   */
  readonly alone?: Script;
}

/** Begins the answer to a call that failed, and to an add whose id is taken; nothing that BullMQ answers begins like this. */
const FAILED = "!";
const TAKEN = "=";

const adding: readonly Kind[] = [
  {
    name: "addStandardJob",
    run: "addOrdinary",
    keys: 9,
    args: 4,
    own: [],
    alone: defineScript("add-one", addOne(FAILED)),
  },
  { name: "addDelayedJob", run: "addDelayed", keys: 6, args: 4, own: [] },
  { name: "addPrioritizedJob", run: "addPrioritized", keys: 9, args: 4, own: [] },
];

const moving: readonly Kind[] = [
  { name: "complete", run: "complete", keys: 14, args: 8, own: [] },
  { name: "moveToFinished", run: byBullmq("moveToFinished"), keys: 14, args: 9, own: [11, 12, 13] },
  { name: "moveToActive", run: "activate", keys: 11, args: 3, own: [] },
  { name: "moveToDelayed", run: byBullmq("moveToDelayed"), keys: 11, args: 9, own: [5] },
  { name: "addLogs", run: "addLogs", keys: 2, args: 2, own: [1, 2] },
];

export const manyAdds = (): Many =>
  manyOf("add-many", adding, {
    files: ["addStandardJob-9", "addDelayedJob-6", "addPrioritizedJob-9"],
    wanted: WANTED_BY_ADD,
    changes: TELLS_WHAT_IS_TAKEN,
    lean: LEAN_ADD,
    shared: 2,
  });
export const manyMoves = (): Many =>
  manyOf("move-many", moving, {
    files: ["moveToFinished-14", "moveToActive-11", "moveToDelayed-11"],
    wanted: WANTED_BY_MOVE,
    changes: "",
    lean: LEAN_MOVE,
    shared: 5,
  });

interface Lua {
  /** BullMQ's scripts. */
  readonly files: readonly string[];
  /** Of their functions. */
  readonly wanted: readonly string[];
  readonly changes: string;
  readonly lean: string;
  /** How many texts calls share that share some. */
  readonly shared: number;
}

// BullMQ's numbers are times and counts, all of them safe integers.
const unpackr = new Unpackr({ int64AsType: "number", useRecords: false });

/** An add whose id was taken: what stands under it. */
export class Taken {
  readonly data: string | undefined;

  constructor(data: string | undefined) {
    this.data = data;
  }
}

const PRELUDE = `
local prefix = ARGV[1]
local shared = {}
local found
local answers, place = {}, 0
local kind, last, step

-- What calls share, by its number: its texts, and what the first of them says.
local function sharedOf(number) return shared[number] end
local function valueOf(texts)
  if texts.value == nil then texts.value = cjson.decode(texts[1]) end
  return texts.value
end

-- The arguments of one call.
local function argumentsAt(at) return { unpack(ARGV, at, at + kind.args - 1) } end

local function failure(why)
  return { "${FAILED}", type(why) == "table" and why.err or tostring(why) }
end

-- What is written once for several calls is an error of each of them when it fails.
local function writeFor(places, write)
  local ok, trouble = pcall(write)
  if ok then return true end
  for _, place in ipairs(places) do answers[place] = failure(trouble) end
  return false
end
`;

/**
 * KEYS those of each kind that is called, one kind after the other, without the keys that differ from call to call.
 * ARGV prefix; how many kinds are called, then their numbers; how much is shared, then the texts of each; then for calls of one kind
 * that follow each other the kind's number, how many they are, and of each its own keys and its arguments, the last of which is the
 * number of what it shares, where it does.
 * Answers with one answer for each call: BullMQ's own, { "!", why } or { "=", data }.
 */
const driverOf = (sharedTexts: number): string => `
local kindCount = tonumber(ARGV[2])
local at = 0
for i = 3, kindCount + 2 do
  kind = kindOf(ARGV[i])
  kinds[ARGV[i]] = kind
  local own, next = kind.own, 1
  for place = 1, kind.keys do
    if own[next] == place then
      next = next + 1
    else
      at = at + 1
      kind.table[place] = KEYS[at]
    end
  end
end
at = kindCount + 3
local sharedCount = tonumber(ARGV[at])
for i = 1, sharedCount do
  shared[tostring(i)] = { unpack(ARGV, at + 1, at + ${sharedTexts}) }
  at = at + ${sharedTexts}
end
at = at + 1

while ARGV[at] do
  kind = kinds[ARGV[at]]
  local run, keys, own = kind.run, kind.table, kind.own
  step = #own + kind.args
  -- Where the arguments begin of the first of them and of the last.
  local first = at + 2 + #own
  last = first + (ARGV[at + 1] - 1) * step
  for at = first, last, step do
    for i = 1, #own do keys[own[i]] = ARGV[at - #own - 1 + i] end
    found = nil
    place = place + 1
    local ok, answer = pcall(run, keys, at)
    if not ok or type(answer) == "table" and answer.err then
      answer = failure(answer)
    elseif found ~= nil then
      answer = { "${TAKEN}", found }
    end
    -- Unless it failed already with what was written for several.
    if answers[place] == nil then answers[place] = answer or false end
  end
  at = last + kind.args
end
settle()
-- As one text: to read so many small parts takes longer than all else that is done with an answer.
return cmsgpack.pack(answers)`;

function manyOf(
  name: string,
  kinds: readonly Kind[],
  { files, wanted, changes, lean, shared: sharedTexts }: Lua,
): Many {
  const rows = kinds.map(
    (kind, n) =>
      `if number == "${n + 1}" then return { run = ${kind.run}, keys = ${kind.keys}, args = ${kind.args}, own = { ${kind.own.join(", ")} }, table = {} } end`,
  );
  const lua = [
    PRELUDE,
    luaFunctions(files.map(loadScript), wanted, changes),
    lean,
    `local kinds = {}\nlocal function kindOf(number)\n${rows.join("\n")}\nend`,
    driverOf(sharedTexts),
  ].join("\n");
  const script = defineScript(name, lua);
  const shapes = new Map(kinds.map((kind, n) => [kind.name, shapeOf(kind, n + 1)]));

  const runTogether: Many["run"] = async (redis, prefix, calls) => {
    const keys: string[] = [];
    const called = new Set<number>();
    const shared = new Map<Shared, string>();
    const args: Argument[] = [];
    let before: Shape | undefined;
    let countAt = 0;
    for (const call of calls) {
      const shape = shapes.get(call.kind);
      if (shape === undefined) throw new TypeError(`there is no kind ${call.kind} in ${name}`);
      if (shape === before) args[countAt] = Number(args[countAt]) + 1;
      else {
        before = shape;
        countAt = args.push(shape.number, 1) - 1;
        if (!called.has(shape.number)) {
          called.add(shape.number);
          for (const place of shape.common) keys.push(call.keys[place] ?? "");
        }
      }
      for (const place of shape.own) args.push(call.keys[place]);
      args.push(...call.args);
      if (call.shared !== undefined) args.push(numberOf(call.shared, shared));
    }
    const head = [prefix, called.size, ...called, shared.size, ...[...shared.keys()].flat()];
    const packed = await script.runForBytes(redis, keys, [...head, ...args]);
    const answers = unpackr.unpack(packed) as readonly unknown[];
    if (answers.length !== calls.length)
      throw new Error(`${name} gave ${answers.length} answers to ${calls.length} calls`);
    return answers.map(read);
  };

  return {
    async run(redis, prefix, calls) {
      const [call] = calls;
      const alone = calls.length === 1 && call ? shapes.get(call.kind)?.alone : undefined;
      if (call && alone) {
        const answer = await alone.run(redis, call.keys, [prefix, ...call.args, ...(call.shared ?? [])]);
        if (answer !== null) return [read(answer)];
      }
      return await runTogether(redis, prefix, calls);
    },
  };
}

function numberOf(shared: Shared, known: Map<Shared, string>): string {
  let number = known.get(shared);
  if (number === undefined) known.set(shared, (number = String(known.size + 1)));
  return number;
}

interface Shape {
  readonly number: number;
  /** Places of keys, counted from 0. */
  readonly common: readonly number[];
  readonly own: readonly number[];
  readonly alone: Script | undefined;
}

function shapeOf({ keys, own, alone }: Kind, number: number): Shape {
  return {
    number,
    common: Array.from({ length: keys }, (_, n) => n).filter((n) => !own.includes(n + 1)),
    own: own.map((n) => n - 1),
    alone,
  };
}

/** As Redis itself answers: without fractions, and with null for what Lua calls false. */
function asOfRedis(value: unknown): unknown {
  if (typeof value === "number") return Math.trunc(value);
  return value === false ? null : value;
}

function read(answer: unknown): Answer {
  if (!Array.isArray(answer)) return asOfRedis(answer);
  if (answer[0] === FAILED) return new Error(String(answer[1]));
  if (answer[0] === TAKEN) return new Taken(typeof answer[1] === "string" ? answer[1] : undefined);
  return answer.map(asOfRedis);
}
