import type { Redis } from "ioredis";

import { valuesOf } from "./letter-index.ts";
import { familyOf } from "./names.ts";

/** What a worker process says of itself while it lives. */
export interface WorkerInfo {
  /** Unique to the process. */
  readonly id: string;
  readonly host: string;
  readonly pid: number;
  readonly role: string;
  /** That it serves jobs of; empty for a janitor. */
  readonly queues: readonly string[];
  /** Capability -> providers in order. */
  readonly routes: Readonly<Record<string, readonly string[]>>;
  /** "provider capability" of each circuit that is not closed -> its state. */
  readonly circuits: Readonly<Record<string, string>>;
  /** Epoch milliseconds. */
  readonly startedAt: number;
}

/** Who has not said so for so long is gone. */
const ALIVE_SECONDS = 15;
const KEEP_COUNTS_SECONDS = 7200;
const MINUTE = 60_000;

const keyOfFleet = (namespace: string | undefined, part: string): string =>
  `${familyOf("any", namespace).namespace}:{fleet}:${part}`;

/** Says that a worker lives; to be said every few seconds. */
export async function announceWorker(
  redis: Redis,
  namespace: string | undefined,
  info: WorkerInfo,
): Promise<void> {
  await redis
    .pipeline()
    .set(keyOfFleet(namespace, `worker:${info.id}`), JSON.stringify(info), "EX", ALIVE_SECONDS)
    .sadd(keyOfFleet(namespace, "workers"), info.id)
    .exec();
}

export async function retireWorker(redis: Redis, namespace: string | undefined, id: string): Promise<void> {
  await redis
    .pipeline()
    .del(keyOfFleet(namespace, `worker:${id}`))
    .srem(keyOfFleet(namespace, "workers"), id)
    .exec();
}

/** The workers that live. */
export async function readWorkers(redis: Redis, namespace?: string): Promise<readonly WorkerInfo[]> {
  const ids = await redis.smembers(keyOfFleet(namespace, "workers"));
  if (ids.length === 0) return [];
  const answers = await redis.mget(ids.map((id) => keyOfFleet(namespace, `worker:${id}`)));
  const gone = ids.filter((_, i) => answers[i] === null);
  if (gone.length > 0) await redis.srem(keyOfFleet(namespace, "workers"), ...gone);
  return answers.flatMap((text) => (text === null ? [] : [JSON.parse(text) as WorkerInfo]));
}

/** Something that is counted over the fleet: one answer of a provider, or one verdict about a job. */
export type Counted =
  | { readonly what: "call"; readonly provider: string; readonly capability: string; readonly kind: string }
  | { readonly what: "settled"; readonly queue: string; readonly verdict: string };

export interface Count {
  readonly of: Counted;
  readonly count: number;
}

/** The last failure of each provider. */
export interface LastError {
  readonly provider: string;
  readonly code: string;
  /** Epoch milliseconds. */
  readonly at: number;
}

const countsKey = (namespace: string | undefined, minute: number): string =>
  keyOfFleet(namespace, `counts:${minute}`);

/** Adds what a worker has counted since it last did. */
export async function addCounts(
  redis: Redis,
  namespace: string | undefined,
  {
    counts,
    errors,
    now,
  }: { readonly counts: readonly Count[]; readonly errors: readonly LastError[]; readonly now: number },
): Promise<void> {
  const key = countsKey(namespace, Math.floor(now / MINUTE));
  const pipeline = redis.pipeline();
  for (const { of, count } of counts) pipeline.hincrby(key, JSON.stringify(of), count);
  for (const error of errors)
    pipeline.hset(keyOfFleet(namespace, "errors"), error.provider, JSON.stringify(error));
  pipeline.expire(key, KEEP_COUNTS_SECONDS);
  valuesOf(await pipeline.exec());
}

/** What the fleet has counted in the minutes that the window touches. */
export async function readCounts(
  redis: Redis,
  namespace: string | undefined,
  { windowMs, now }: { readonly windowMs: number; readonly now: number },
): Promise<readonly Count[]> {
  const pipeline = redis.pipeline();
  const first = Math.floor((now - windowMs) / MINUTE) + 1;
  for (let minute = first; minute <= Math.floor(now / MINUTE); minute += 1)
    pipeline.hgetall(countsKey(namespace, minute));
  const answers = valuesOf(await pipeline.exec()) as readonly Readonly<Record<string, string>>[];
  return answers.flatMap((answer) =>
    Object.entries(answer).map(([of, count]) => ({ of: JSON.parse(of) as Counted, count: Number(count) })),
  );
}

export async function readLastErrors(redis: Redis, namespace?: string): Promise<readonly LastError[]> {
  const errors = await redis.hgetall(keyOfFleet(namespace, "errors"));
  return Object.values(errors).map((text) => JSON.parse(text) as LastError);
}
