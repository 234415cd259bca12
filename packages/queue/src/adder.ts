import { defaultPolicy } from "@understudy/core";
import {
  createRedisBackend,
  type IRedisTransaction,
  type JobJson,
  type JobsOptions,
  type QueueOptions,
  type RedisQueueBackend,
} from "bullmq";
import type { ChainableCommander, Redis } from "ioredis";

import { createBatcher } from "./batch/batcher.ts";
import { type Answer, type Call, manyAdds, type Shared, Taken } from "./batch/many.ts";
import { type Family, keyOf } from "./names.ts";
import type { Wait } from "./patience.ts";

export interface NewJob {
  readonly id: string;
  readonly name: string;
  /** JSON. */
  readonly data: string;
  /** Epoch milliseconds. */
  readonly timestamp: number;
  readonly delayMs?: number;
  /** 1 is the most urgent, 2,097,152 the least; jobs without one go first. */
  readonly priority?: number;
  readonly keepCompletedMs: number;
}

/** The data that stood under the job's id before this add; undefined when the id was free and the job is new. */
export type Before = string | undefined;

/** Adds jobs of one family, once. */
export interface Adder {
  /**
   * In one atomic step.
   * @param wait nothing is sent any more when it is over
   * @param ended told of what stood under the jobs' ids, or of the error of Redis or of the connection; must not throw
   */
  add(
    jobs: readonly NewJob[],
    wait: Pick<Wait, "isOver">,
    ended: (how: readonly Before[] | Error) => void,
  ): void;
  close(): Promise<void>;
}

/** Of the log that each job has. */
export const KEEP_LOG_LINES = 100;

/** For how long a completed job stays that says nothing of it. */
export const KEEP_COMPLETED_MS = defaultPolicy.keepCompletedMs;

/**
 * What BullMQ is told of a job, which is stored with it: as little as can be. Retrying is the runtime's business: BullMQ, which is
 * told of no attempts, must never decide that a job is done for. What failed stays, whatever a worker is set up to.
 */
function optionsOf({ delayMs = 0, priority = 0, keepCompletedMs }: NewJob) {
  return {
    removeOnFail: false,
    ...(delayMs > 0 ? { delay: delayMs } : {}),
    ...(priority > 0 ? { priority } : {}),
    ...(keepCompletedMs === KEEP_COMPLETED_MS
      ? {}
      : { removeOnComplete: { age: Math.ceil(keepCompletedMs / 1000) } }),
  } satisfies JobsOptions;
}

const USUAL_OPTIONS = JSON.stringify({ removeOnFail: false } satisfies JobsOptions);

/** Options and names, as the script wants them; equal ones of late are one object. */
function commonParts(): (job: NewJob) => Shared {
  const usual = new Map<string, Shared>();
  let last: Shared = [];
  return (job) => {
    const { name, delayMs = 0, priority = 0, keepCompletedMs } = job;
    if (delayMs <= 0 && priority <= 0 && keepCompletedMs === KEEP_COMPLETED_MS) {
      let shared = usual.get(name);
      if (shared === undefined) usual.set(name, (shared = [USUAL_OPTIONS, name]));
      return shared;
    }
    const options = JSON.stringify(optionsOf(job));
    if (last[0] !== options || last[1] !== name) last = [options, name];
    return last;
  };
}

/** Those that are added in one turn of the event loop, by whomever, go to Redis together. */
export function batchingAdder(redis: Redis, family: Family): Adder {
  const prefix = keyOf(family, "name", "");
  const batcher = createBatcher({ redis, many: manyAdds(), prefix, most: 50 });
  const keysOf = (parts: readonly string[]): readonly string[] => parts.map((part) => `${prefix}${part}`);
  const keys = {
    addStandardJob: keysOf("wait paused meta id completed delayed active events marker".split(" ")),
    addDelayedJob: keysOf("marker meta id delayed completed events".split(" ")),
    addPrioritizedJob: keysOf("marker meta id prioritized delayed completed active events pc".split(" ")),
  };
  const sharedOf = commonParts();
  const callOf = (job: NewJob): Call => {
    const { id, timestamp, data, delayMs = 0, priority = 0 } = job;
    const kind = delayMs > 0 ? "addDelayedJob" : priority > 0 ? "addPrioritizedJob" : "addStandardJob";
    return {
      kind,
      keys: keys[kind],
      args: [id, String(timestamp), data],
      shared: sharedOf(job),
    };
  };
  return {
    add: (jobs, wait, ended) =>
      batcher.send(jobs.map(callOf), wait, (how) => ended(how instanceof Error ? how : befores(how))),
    close: () => Promise.resolve(),
  };
}

function befores(answers: readonly Answer[]): readonly Before[] | Error {
  const error = answers.find((answer) => answer instanceof Error);
  return error ?? answers.map((answer) => (answer instanceof Taken ? answer.data : undefined));
}

/** By BullMQ's own scripts, one for each job. */
export function plainAdder(redis: Redis, family: Family, onError: (error: Error) => void): Adder {
  const options: QueueOptions = { connection: redis, prefix: family.prefix };
  const backend = createRedisBackend(family.name, options);
  backend.on("error", onError);
  const add = async (jobs: readonly NewJob[]): Promise<readonly Before[]> => {
    const transaction = (await backend.client).multi();
    for (const job of jobs) queueAdd(transaction, backend, family, job);
    const answers = (await transaction.exec()) as readonly (readonly [Error | null, unknown])[];
    return jobs.map((_, index) => {
      const [before, added] = answers.slice(2 * index, 2 * index + 2);
      const error = before?.[0] ?? added?.[0];
      if (error) throw error;
      return typeof before?.[1] === "string" ? before[1] : undefined;
    });
  };
  return {
    add: (jobs, _, ended) =>
      void add(jobs)
        .catch((error: unknown) => (error instanceof Error ? error : new Error(String(error))))
        .then(ended),
    close: () => backend.close(),
  };
}

/** BullMQ's own add, preceded in the same transaction by a look at what stands there. */
function queueAdd(
  transaction: IRedisTransaction,
  backend: RedisQueueBackend,
  family: Family,
  job: NewJob,
): void {
  // BullMQ's type of a transaction names only what BullMQ uses; it is ioredis's own.
  (transaction as unknown as ChainableCommander).hget(keyOf(family, "name", job.id), "data");
  const { id, name, data, timestamp, delayMs = 0, priority = 0 } = job;
  const json: JobJson = {
    id,
    name,
    data,
    timestamp,
    delay: delayMs,
    priority,
    opts: optionsOf(job),
    progress: 0,
    attemptsMade: 0,
    attemptsStarted: 0,
    stalledCounter: 0,
    failedReason: "",
    returnvalue: "",
  };
  void backend.addJobToTransaction(transaction, json, id);
}
