import { setTimeout as sleep } from "node:timers/promises";

import { UnderstudyError } from "@understudy/core";
import {
  createRedisBackend,
  type IRedisTransaction,
  type JobJson,
  type QueueOptions,
  type RedisQueueBackend,
} from "bullmq";
import type { ChainableCommander, Redis } from "ioredis";

import { connectProducer, type RedisLocation } from "./connection.ts";
import { registerFamily } from "./families.ts";
import { type Family, keyOf } from "./names.ts";
import { isConnectionTrouble, isScriptsLost, refused, unreachable } from "./trouble.ts";

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

export interface Producer {
  /**
   * Adds the jobs in one atomic step; one whose id is taken changes nothing. Tries until the deadline.
   * @throws UnderstudyError redis_unreachable: the jobs may or may not be stored, adding them again is safe.
   * @throws UnderstudyError redis_refused: Redis said no.
   */
  add(family: Family, jobs: readonly NewJob[], deadlineMs: number): Promise<readonly Before[]>;
  /**
   * Asks Redis something that may be asked again; tries until the deadline.
   * @throws UnderstudyError redis_unreachable, redis_refused
   */
  ask<T>(question: (redis: Redis) => Promise<T>, deadlineMs: number): Promise<T>;
  close(): Promise<void>;
}

/** @param onError told of connection trouble, which `add` reports too; must not throw */
export function openProducer(
  redis: RedisLocation,
  onError: (error: Error) => void = () => undefined,
): Producer {
  const connection = connectProducer(redis);
  connection.on("error", onError);
  const ready = readiness(connection);
  const backends = new Map<string, RedisQueueBackend>();
  let closed = false;

  const backendOf = (family: Family): RedisQueueBackend => {
    const known = backends.get(family.prefix);
    if (known !== undefined) return known;
    const backend = createRedisBackend(family.name, queueOptions(connection, family));
    backend.on("error", onError);
    backends.set(family.prefix, backend);
    return backend;
  };

  const addOnce = async (
    family: Family,
    jobs: readonly NewJob[],
    giveUp: AbortSignal,
  ): Promise<readonly Before[]> => {
    await ready();
    if (!backends.has(family.prefix)) await registerFamily(connection, family);
    const backend = backendOf(family);
    const transaction = (await backend.client).multi();
    // Whoever waited for this has been told that it failed: nothing may land after that if we can help it.
    giveUp.throwIfAborted();
    for (const job of jobs) queueAdd(transaction, backend, family, job);
    const answers = (await transaction.exec()) as readonly (readonly [Error | null, unknown])[];
    return jobs.map((_, index) => {
      const [before, add] = answers.slice(2 * index, 2 * index + 2);
      const error = before?.[0] ?? add?.[0];
      if (error) throw error;
      return typeof before?.[1] === "string" ? before[1] : undefined;
    });
  };

  /** Tries again while the connection is at fault, until the deadline. */
  const insist = async <T>(
    deadlineMs: number,
    advice: string,
    attempt: (giveUp: AbortSignal) => Promise<T>,
  ): Promise<T> => {
    const giveUp = AbortSignal.timeout(deadlineMs);
    for (let trouble: unknown; ;) {
      if (closed) throw new UnderstudyError("client_closed", "This client was closed; create another one.");
      try {
        return await Promise.race([attempt(giveUp), rejectOn(giveUp)]);
      } catch (error) {
        if (giveUp.aborted) throw unreachable(deadlineMs, trouble, advice);
        if (error instanceof UnderstudyError) throw error;
        if (isScriptsLost(error)) connection.disconnect(true);
        else if (!isConnectionTrouble(error)) throw refused(error);
        trouble = error;
        await sleep(RETRY_MS);
      }
    }
  };

  return {
    async add(family, jobs, deadlineMs) {
      if (jobs.length === 0) return [];
      let tries = 0;
      const before = await insist(deadlineMs, addAdvice, (giveUp) => {
        tries += 1;
        return addOnce(family, jobs, giveUp);
      });
      // After a lost answer, what we find may be what we ourselves stored.
      return tries === 1 ? before : before.map((data, i) => (isOwn(jobs[i]?.data, data) ? undefined : data));
    },
    ask: (question, deadlineMs) =>
      insist(deadlineMs, askAdvice, async () => {
        await ready();
        return await question(connection);
      }),
    async close() {
      closed = true;
      await Promise.allSettled([...backends.values()].map((backend) => backend.close()));
      connection.disconnect();
    },
  };
}

const KEEP_LOG_LINES = 100;
const RETRY_MS = 50;

const addAdvice =
  "The job may or may not be stored: enqueue it again with this error's idempotencyKey, which can never double it.";
const askAdvice = "Ask again: what was asked may have been done, and doing it twice changes nothing.";

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
    opts: {
      jobId: id,
      // Retrying is the runtime's business: BullMQ must never decide that a job is done for.
      attempts: 1,
      delay: delayMs,
      ...(priority > 0 ? { priority } : {}),
      removeOnComplete: { age: Math.ceil(job.keepCompletedMs / 1000) },
      removeOnFail: false,
      stackTraceLimit: 5,
      keepLogs: KEEP_LOG_LINES,
    },
    progress: 0,
    attemptsMade: 0,
    attemptsStarted: 0,
    stalledCounter: 0,
    failedReason: "",
    returnvalue: "",
  };
  void backend.addJobToTransaction(transaction, json, id);
}

function queueOptions(connection: Redis, { prefix }: Family): QueueOptions {
  return { connection, prefix };
}

/** Resolves when the connection can be written to; all who wait share one listener. */
function readiness(connection: Redis): () => Promise<void> {
  let coming: Promise<void> | undefined;
  return async () => {
    if (connection.status === "ready") return;
    coming ??= new Promise((resolve) => {
      connection.once("ready", () => {
        coming = undefined;
        resolve();
      });
    });
    await coming;
  };
}

async function rejectOn(signal: AbortSignal): Promise<never> {
  return await new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
  });
}

/** Whether what stands there came from this very enqueue, however far its job has got since. */
function isOwn(sent: string | undefined, found: Before): boolean {
  if (sent === undefined || found === undefined) return false;
  const [one, other] = [sent, found].map(identityOf);
  return one !== undefined && one === other;
}

function identityOf(data: string): string | undefined {
  try {
    const { enqueuedAt, idempotencyKey, fingerprint } = JSON.parse(data) as Record<string, unknown>;
    return typeof enqueuedAt === "number"
      ? JSON.stringify([enqueuedAt, idempotencyKey, fingerprint])
      : undefined;
  } catch {
    return undefined;
  }
}
