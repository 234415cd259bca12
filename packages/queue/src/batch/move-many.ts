import type { Redis } from "ioredis";
import { Unpackr } from "msgpackr";

import { defineScript, type Script } from "../script.ts";
import { driverOf, FAILED, type Kind } from "./driver.ts";
import { byBullmq, LEAN_MOVE, WANTED_BY_MOVE } from "./lean-move.ts";

/** One move of a job, made together with others. */
export interface Call {
  readonly kind: string;
  /** All keys of its kind. */
  readonly keys: readonly string[];
  readonly args: readonly Argument[];
  /** What many calls have in common, as one and the same object; it is sent once. Their last argument, for the script. */
  readonly shared?: Shared;
}

/** What completions share; the first is JSON. */
export type Shared = readonly [string, string, string, string, string];

export type Argument = string | number | Buffer | undefined;

/** What BullMQ's script answered; an Error when it failed, which concerns this call alone. */
export type Answer = unknown;

const kinds: readonly Kind[] = [
  { name: "complete", run: "complete", keys: 14, args: 8, own: [] },
  { name: "moveToFinished", run: byBullmq("moveToFinished"), keys: 14, args: 9, own: [11, 12, 13] },
  { name: "moveToActive", run: "activate", keys: 11, args: 3, own: [] },
  { name: "moveToDelayed", run: byBullmq("moveToDelayed"), keys: 11, args: 9, own: [5] },
  { name: "addLogs", run: "addLogs", keys: 2, args: 2, own: [1, 2] },
];

// BullMQ's numbers are times and counts, all of them safe integers.
const unpackr = new Unpackr({ int64AsType: "number", useRecords: false });

/**
 * @param prefix of the queue's keys, with the colon at its end
 * @returns makes moves in one script call, and answers for each, in order; rejects when the whole did not come through
 */
export function manyMoves(
  redis: Redis,
  prefix: string,
): (calls: readonly Call[]) => Promise<readonly Answer[]> {
  const script = moveScript();
  return async (calls) => {
    const keys: string[] = [];
    const called = new Set<number>();
    const shared = new Map<Shared, string>();
    const args: Argument[] = [];
    let before: Shape | undefined;
    let countAt = 0;
    for (const call of calls) {
      const shape = shapes.get(call.kind);
      if (shape === undefined) throw new TypeError(`there is no move ${call.kind}`);
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
      throw new Error(`there were ${answers.length} answers to ${calls.length} moves`);
    return answers.map(read);
  };
}

let made: Script | undefined;

/**
 * Read from BullMQ's files once for all queues.
 * @throws Error when this BullMQ does not have the scripts that are known
 */
export function moveScript(): Script {
  made ??= defineScript(
    "move-many",
    driverOf(kinds, {
      files: ["moveToFinished-14", "moveToActive-11", "moveToDelayed-11"],
      wanted: WANTED_BY_MOVE,
      lean: LEAN_MOVE,
      shared: 5,
    }),
  );
  return made;
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
}

const shapes = new Map(kinds.map((kind, n) => [kind.name, shapeOf(kind, n + 1)]));

function shapeOf({ keys, own }: Kind, number: number): Shape {
  return {
    number,
    common: Array.from({ length: keys }, (_, n) => n).filter((n) => !own.includes(n + 1)),
    own: own.map((n) => n - 1),
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
  return answer.map(asOfRedis);
}
