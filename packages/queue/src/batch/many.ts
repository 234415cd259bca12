import type { Redis } from "ioredis";
import { Unpackr } from "msgpackr";

import { defineScript, type Script } from "../script.ts";
import { driverOf, FAILED, type Kind, type Lua, TAKEN } from "./driver.ts";
import { ADD_ONE, LEAN_ADD, TELLS_WHAT_IS_TAKEN, WANTED_BY_ADD } from "./lean-add.ts";
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

const adding: readonly Kind[] = [
  {
    name: "addStandardJob",
    run: "addOrdinary",
    keys: 9,
    args: 4,
    own: [],
    alone: defineScript("add-one", ADD_ONE),
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

// BullMQ's numbers are times and counts, all of them safe integers.
const unpackr = new Unpackr({ int64AsType: "number", useRecords: false });

/** An add whose id was taken: what stands under it. */
export class Taken {
  readonly data: string | undefined;

  constructor(data: string | undefined) {
    this.data = data;
  }
}

function manyOf(name: string, kinds: readonly Kind[], lua: Lua): Many {
  const script = defineScript(name, driverOf(kinds, lua));
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
