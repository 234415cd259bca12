import { asError } from "@understudy/core";
import {
  createRedisBackend,
  type IRedisTransaction,
  type JobJson,
  type QueueOptions,
  type RedisQueueBackend,
} from "bullmq";
import type { ChainableCommander, Redis } from "ioredis";

import { manyAdds } from "./batch/add-many.ts";
import { createBatcher } from "./batch/batcher.ts";
import { type Family, keyOf } from "./names.ts";
import { type Before, type NewJob, optionsOf } from "./new-job.ts";
import type { Wait } from "./patience.ts";

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

/** In one call, which holds up others for a millisecond and a half. */
const MOST_ADDS = 100;

/** Those that are added in one turn of the event loop, by whomever, go to Redis together. */
export function batchingAdder(redis: Redis, family: Family): Adder {
  const batcher = createBatcher({ run: manyAdds(redis, family), most: MOST_ADDS });
  return {
    add: (jobs, wait, ended) =>
      batcher.send(jobs, wait, (how) => ended(how instanceof Error ? how : together(how))),
    close: () => Promise.resolve(),
  };
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
    add: (jobs, _, ended) => void add(jobs).catch(asError).then(ended),
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

/** One that failed is an error of all that belong together. */
function together(answers: readonly (Before | Error)[]): readonly Before[] | Error {
  const befores: Before[] = [];
  for (const answer of answers) {
    if (answer instanceof Error) return answer;
    befores.push(answer);
  }
  return befores;
}
