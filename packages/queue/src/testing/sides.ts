import { newSpace } from "@understudy/testkit";
import { createRedisBackend, Queue, type RedisQueueBackend, type WorkerOptions } from "bullmq";
import type { Redis } from "ioredis";

import { type Adder, batchingAdder, plainAdder } from "../adder.ts";
import type { Answer } from "../batch/answers.ts";
import { type Call, manyFinishes, manyMoves } from "../batch/move-many.ts";
import { isOrdinary, type Mover as Moving } from "../batch/mover.ts";
import { batchMoves, type Completion, logging } from "../batch/moves.ts";
import { connectWorker } from "../connection.ts";
import { type Family, familyOf, keyOf } from "../names.ts";

/** A queue of its own, into which the same is written as into the other: by BullMQ's own scripts, or by ours. */
export interface Side {
  readonly isFast: boolean;
  readonly redisUrl: string;
  readonly redis: Redis;
  readonly family: Family;
  /** BullMQ's own, on both sides. */
  readonly queue: Queue;
  readonly adder: Adder;
  readonly mover: Mover;
  /** A worker's moves, with options of its own. */
  moverWith(options: MoverOptions): Mover;
  key(part: string): string;
  /** How many scripts were sent since it was asked last. */
  scriptsSent(): number;
  /** How many moves went together, each time since it was asked last: in one script call where they are of one kind. */
  moveSizes(): readonly number[];
  clear(): Promise<void>;
  close(): Promise<void>;
}

export type MoverOptions = Pick<WorkerOptions, "name" | "limiter" | "metrics">;

/** What a worker's backend does to jobs. */
export interface Mover {
  readonly backend: RedisQueueBackend;
  complete(completion: Completed): Promise<unknown>;
  log(id: string, lines: readonly string[]): Promise<unknown>;
}

type Completed = Omit<Completion, "parts">;

const LOCK_MS = 30_000;
const KEEP_LOG_LINES = 3;
const COMPLETION_KEEPS_LINES = 100;

export function openSide(isFast: boolean, queueName = "email"): Side {
  const { redisUrl, namespace } = newSpace();
  const redis = connectWorker(redisUrl);
  const family = familyOf(queueName, namespace);
  const count = countScripts(redis);
  const sizes: number[] = [];
  const movers: Mover[] = [];
  const queue = new Queue(family.name, { connection: redis, prefix: family.prefix, skipMetasUpdate: true });
  const moverWith = (options: MoverOptions): Mover => {
    const mover = openMover(isFast, redis, family, options, sizes);
    movers.push(mover);
    return mover;
  };
  const adder = isFast ? batchingAdder(redis, family) : plainAdder(redis, family, () => {});
  return {
    isFast,
    redisUrl,
    redis,
    family,
    queue,
    adder,
    mover: moverWith({}),
    moverWith,
    key: (part) => keyOf(family, "name", part),
    scriptsSent: count,
    moveSizes: () => sizes.splice(0),
    async clear() {
      const keys = await redis.keys(`${namespace}:*`);
      if (keys.length > 0) await redis.del(...keys);
    },
    async close() {
      await Promise.allSettled([
        queue.close(),
        adder.close(),
        ...movers.map(({ backend }) => backend.close()),
      ]);
      redis.disconnect();
    },
  };
}

function openMover(
  isFast: boolean,
  redis: Redis,
  family: Family,
  options: MoverOptions,
  sizes: number[],
): Mover {
  const all = { connection: redis, prefix: family.prefix, lockDuration: LOCK_MS, ...workerOptions(options) };
  const backend = createRedisBackend(family.name, all);
  if (!isFast) return plainMover(backend);
  const locking = { lockMs: LOCK_MS, name: options.name ?? "" };
  const prefix = keyOf(family, "name", "");
  const moving = together(manyFinishes(redis, prefix, locking, 0), manyMoves(redis, prefix), sizes);
  const complete = batchMoves(backend, all, moving, locking);
  return {
    backend,
    async complete(completion) {
      // As BullMQ's own moves do, so that all of a turn go in the order in which they were made.
      await backend.client;
      return await complete({ ...completion, parts: () => partsOf(backend, completion) });
    },
    log: (id, lines) => moving.one(logging(backend.toKey(id), lines, KEEP_LOG_LINES)),
  };
}

function workerOptions(options: MoverOptions) {
  return { stalledInterval: LOCK_MS, maxStalledCount: 1, ...options };
}

// Protected in BullMQ's types, stable in its code.
interface Internals {
  moveToFinishedArgs(...args: readonly unknown[]): Parameters<RedisQueueBackend["moveToFinished"]>[1];
}

function partsOf(backend: RedisQueueBackend, completion: Completed) {
  const { id, returnValue, keep, token, finishedOn, fetchNext, data } = completion;
  const internals = backend as unknown as Internals;
  const fields = data === undefined ? undefined : { data };
  const how = [keep, "completed", token, finishedOn, fetchNext, fields];
  return internals.moveToFinishedArgs({ id, opts: { attempts: 1 } }, returnValue, "returnvalue", ...how);
}

function plainMover(backend: RedisQueueBackend): Mover {
  return {
    backend,
    async complete(completion) {
      const { id, log } = completion;
      for (const line of log) await backend.addLog(id, line, COMPLETION_KEEPS_LINES);
      return await backend.moveToFinished(id, partsOf(backend, completion));
    },
    async log(id, lines) {
      let count: unknown = 0;
      for (const line of lines) count = await backend.addLog(id, line, KEEP_LOG_LINES);
      return count;
    },
  };
}

/**
 * As a worker's mover, but for two things: what follows on each other and is of one kind goes in one script call, however much it is, which
 * makes the most of what calls may do to each other; and one script call after the other, in the order in which they were made.
 */
function together(
  finishes: ReturnType<typeof manyFinishes>,
  moves: ReturnType<typeof manyMoves>,
  sizes: number[],
): Moving {
  interface Waiting {
    readonly call: Call;
    readonly resolve: (answer: Answer) => void;
    readonly reject: (error: unknown) => void;
  }
  let waiting: Waiting[] = [];
  const flush = async (): Promise<void> => {
    const all = waiting;
    waiting = [];
    sizes.push(all.length);
    while (all.length > 0) {
      const [first] = all;
      const end = all.findIndex(({ call }) => isOrdinary(call) !== (first && isOrdinary(first.call)));
      await run(all.splice(0, end === -1 ? all.length : end));
    }
  };
  const run = async (all: readonly Waiting[]): Promise<void> => {
    try {
      const calls = all.map(({ call }) => call);
      const answers = await (calls.every(isOrdinary) ? finishes(calls) : moves(calls));
      for (const [n, one] of all.entries()) {
        const answer = answers[n];
        if (answer instanceof Error) one.reject(answer);
        else one.resolve(answer);
      }
    } catch (error) {
      for (const one of all) one.reject(error);
    }
  };
  return {
    one(call) {
      const { promise, resolve, reject } = Promise.withResolvers<Answer>();
      if (waiting.length === 0) setImmediate(() => void flush());
      waiting.push({ call, resolve, reject });
      return promise;
    },
  };
}

function countScripts(redis: Redis): () => number {
  let sent = 0;
  const send = redis.sendCommand.bind(redis);
  redis.sendCommand = (command, stream) => {
    // Whoever sends the whole script has sent its hash before.
    if (command.name === "evalsha") sent += 1;
    return send(command, stream);
  };
  return () => {
    const count = sent;
    sent = 0;
    return count;
  };
}
