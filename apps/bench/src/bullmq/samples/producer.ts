import { randomUUID } from "node:crypto";

import { createClient, type EnqueueOptions } from "@understudy/client";
import { connectProducer, type Redis } from "@understudy/queue";
import { type JobsOptions, Queue } from "bullmq";

import { placeOf } from "../places.ts";
import { mail, type Subject } from "../subjects.ts";
import type { Load, Order } from "../types.ts";

export interface Producer {
  add(n: number): Promise<unknown>;
  addMany(numbers: readonly number[]): Promise<unknown>;
  close(): Promise<void>;
}

type Where = Pick<Order, "system" | "redis" | "namespace">;

/** A producer of one of the systems, on a connection of its own. */
export async function openProducer(where: Where, load: Load, subject: Subject = mail): Promise<Producer> {
  return where.system === "ours" ? ours(where, load, subject) : await bullmq(where, load, subject);
}

const DELAY_MS = 86_400_000;
/** So that a job comes among those that wait, and not behind them all. */
const priorityOf = (n: number): number => 1 + (n % 1000);

function ours({ redis, namespace }: Where, load: Load, { job, payloadOf }: Subject): Producer {
  const client = createClient({ redis, namespace, routes: { "analytics.track": ["ga4"] } });
  const optionsOf = (n: number): Pick<EnqueueOptions, "delayMs" | "priority"> => {
    if (load === "delayed") return { delayMs: DELAY_MS };
    return load === "prioritised" ? { priority: priorityOf(n) } : {};
  };
  return {
    add: (n) => client.enqueue(job, payloadOf(n), optionsOf(n)),
    addMany: (numbers) => client.enqueueMany(job, numbers.map(payloadOf), optionsOf(numbers[0] ?? 0)),
    close: () => client.close(),
  };
}

async function bullmq(where: Where, load: Load, { job, payloadOf }: Subject): Promise<Producer> {
  const connection = await connected(where.redis);
  const { name, prefix } = placeOf(where.system, where.namespace, job);
  const queue = new Queue(name, { connection, prefix });
  const optsOf = (n: number): JobsOptions => {
    if (load === "own") return { ...own(job), jobId: `${job.name}-${randomUUID()}` };
    if (load === "delayed") return { delay: DELAY_MS };
    return load === "prioritised" ? { priority: priorityOf(n) } : {};
  };
  return {
    add: (n) => queue.add(job.name, payloadOf(n), optsOf(n)),
    addMany(numbers) {
      const opts = optsOf(numbers[0] ?? 0);
      return queue.addBulk(numbers.map((n) => ({ name: job.name, data: payloadOf(n), opts })));
    },
    async close() {
      await queue.close();
      connection.disconnect();
    },
  };
}

/** What our jobs always carry. */
function own({ retry, keepCompletedMs }: Subject["job"]): JobsOptions {
  return {
    attempts: retry.attempts,
    backoff: { type: "exponential", delay: retry.baseMs },
    removeOnComplete: { age: keepCompletedMs / 1000 },
  };
}

export async function connected(url: string): Promise<Redis> {
  const redis = connectProducer(url);
  await new Promise<void>((resolve) => {
    redis.once("ready", () => resolve());
  });
  return redis;
}

export interface Callers {
  readonly callers: number;
  /** In one call; 1 for one at a time. */
  readonly bulk: number;
}

/** So many callers, each of which adds one after another, or so many at once. */
export async function produce(
  producer: Producer,
  { callers, bulk }: Callers,
  from: number,
  count: number,
): Promise<void> {
  const end = from + count;
  let next = from;
  const single = async (): Promise<void> => {
    while (next < end) {
      const n = next;
      next += 1;
      await producer.add(n);
    }
  };
  const inBulk = async (): Promise<void> => {
    while (next < end) {
      const first = next;
      next = Math.min(end, next + bulk);
      await producer.addMany(Array.from({ length: next - first }, (_, n) => first + n));
    }
  };
  await Promise.all(Array.from({ length: callers }, bulk === 1 ? single : inBulk));
}
