import type { Redis } from "ioredis";

import { valuesOf } from "./letter-index.ts";
import { familyOf } from "./names.ts";

export { bucketOf, quantileOf } from "./latency.ts";

/** A circuit that one worker holds open for itself alone. */
export interface OwnCircuit {
  readonly at: string;
  readonly reason: string;
  /** Epoch milliseconds. */
  readonly since: number;
}

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
  /** "provider capability" of each circuit that it holds open for itself alone, whatever the fleet does. */
  readonly circuits: Readonly<Record<string, OwnCircuit>>;
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

/** How long the calls of a provider's capability took that were really made. */
export interface Latency {
  readonly provider: string;
  readonly capability: string;
  /** How many took longer than what is slow for it. */
  readonly slow: number;
  /** How many fell into each bucket; see `bucketOf`. */
  readonly buckets: ReadonlyMap<number, number>;
}

/** When a provider's capability last delivered. */
export interface Proven {
  readonly provider: string;
  readonly capability: string;
  /** Epoch milliseconds. */
  readonly at: number;
}

/** What a worker has counted since it last told. */
export interface Tally {
  readonly counts: readonly Count[];
  readonly errors: readonly LastError[];
  readonly latencies?: readonly Latency[];
  readonly proven?: readonly Proven[];
  /** Epoch milliseconds. */
  readonly now: number;
}

// Beside the counts: a provider has some twenty fields here a minute, and most who read the counts need none of them.
const latencyKey = (namespace: string | undefined, minute: number): string =>
  keyOfFleet(namespace, `latency:${minute}`);
const SLOW = "slow";

/** Adds what a worker has counted since it last did. */
export async function addCounts(
  redis: Redis,
  namespace: string | undefined,
  { counts, errors, latencies = [], proven = [], now }: Tally,
): Promise<void> {
  const minute = Math.floor(now / MINUTE);
  const [key, latency] = [countsKey(namespace, minute), latencyKey(namespace, minute)];
  const pipeline = redis.pipeline();
  for (const { of, count } of counts) pipeline.hincrby(key, JSON.stringify(of), count);
  for (const { provider, capability, slow, buckets } of latencies) {
    const field = (part: string | number): string => `${provider} ${capability} ${part}`;
    if (slow > 0) pipeline.hincrby(latency, field(SLOW), slow);
    for (const [bucket, count] of buckets) pipeline.hincrby(latency, field(bucket), count);
  }
  for (const error of errors)
    pipeline.hset(keyOfFleet(namespace, "errors"), error.provider, JSON.stringify(error));
  for (const { provider, capability, at } of proven)
    pipeline.hset(keyOfFleet(namespace, "proven"), `${provider} ${capability}`, at);
  pipeline.expire(key, KEEP_COUNTS_SECONDS).expire(latency, KEEP_COUNTS_SECONDS);
  valuesOf(await pipeline.exec());
}

interface Window {
  readonly windowMs: number;
  readonly now: number;
}

/** What the fleet has counted in the minutes that the window touches. */
export async function readCounts(
  redis: Redis,
  namespace: string | undefined,
  window: Window,
): Promise<readonly Count[]> {
  const answers = await readMinutes(redis, window, (minute) => countsKey(namespace, minute));
  return answers.map(([of, count]) => ({ of: JSON.parse(of) as Counted, count }));
}

/** How long calls took in the minutes that the window touches. */
export async function readLatencies(
  redis: Redis,
  namespace: string | undefined,
  window: Window,
): Promise<readonly Latency[]> {
  const answers = await readMinutes(redis, window, (minute) => latencyKey(namespace, minute));
  const found = new Map<string, { slow: number; readonly buckets: Map<number, number> }>();
  for (const [field, count] of answers) {
    const [provider = "", capability = "", part = ""] = field.split(" ");
    const name = `${provider} ${capability}`;
    const one = found.get(name) ?? { slow: 0, buckets: new Map<number, number>() };
    found.set(name, one);
    if (part === SLOW) one.slow += count;
    else one.buckets.set(Number(part), (one.buckets.get(Number(part)) ?? 0) + count);
  }
  return [...found].map(([name, one]) => ({ ...namesIn(name), ...one }));
}

async function readMinutes(
  redis: Redis,
  { windowMs, now }: Window,
  keyOf: (minute: number) => string,
): Promise<readonly (readonly [field: string, count: number])[]> {
  const pipeline = redis.pipeline();
  const first = Math.floor((now - windowMs) / MINUTE) + 1;
  for (let minute = first; minute <= Math.floor(now / MINUTE); minute += 1) pipeline.hgetall(keyOf(minute));
  const answers = valuesOf(await pipeline.exec()) as readonly Readonly<Record<string, string>>[];
  return answers.flatMap((answer) =>
    Object.entries(answer).map(([field, count]) => [field, Number(count)] as const),
  );
}

export async function readLastErrors(redis: Redis, namespace?: string): Promise<readonly LastError[]> {
  const errors = await redis.hgetall(keyOfFleet(namespace, "errors"));
  return Object.values(errors).map((text) => JSON.parse(text) as LastError);
}

export async function readProven(redis: Redis, namespace?: string): Promise<readonly Proven[]> {
  const all = await redis.hgetall(keyOfFleet(namespace, "proven"));
  return Object.entries(all).map(([name, at]) => ({ ...namesIn(name), at: Number(at) }));
}

function namesIn(field: string): { readonly provider: string; readonly capability: string } {
  const [provider = "", capability = ""] = field.split(" ");
  return { provider, capability };
}
