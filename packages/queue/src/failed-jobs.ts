import type { Redis } from "ioredis";

import { valuesOf } from "./letter-index.ts";
import { type Family, keyOf } from "./names.ts";

/** A job of a failed set, as much of it as a dead letter is made of. */
export interface FailedJob {
  readonly id: string;
  readonly name: string;
  /** As stored; JSON unless something foreign wrote it. */
  readonly data: string;
  readonly failedReason: string;
  /** Epoch milliseconds, as BullMQ wrote it: tells one failure of a job from the next. Empty when something foreign took it. */
  readonly finishedOn: string;
  /** Epoch milliseconds by the failed set. */
  readonly diedAt: number;
  /** How often the letter was written anew; empty for never. */
  readonly revision: string;
  /** Of a dead letter: what it is indexed by; empty when it is not. */
  readonly group: string;
  /** Of a dead letter: how many it holds; 0 when it is not indexed. */
  readonly bytes: number;
  readonly starts: number;
}

const fields = ["name", "data", "failedReason", "finishedOn", "ats", "revision", "group", "bytes"] as const;

/** @param queue "name": jobs that BullMQ has failed and nobody has moved yet; "dead": dead letters */
export async function readFailed(
  redis: Redis,
  family: Family,
  queue: "name" | "dead",
  id: string,
): Promise<FailedJob | undefined> {
  const [score, values] = await Promise.all([
    redis.zscore(keyOf(family, queue, "failed"), id),
    redis.hmget(keyOf(family, queue, id), ...fields),
  ]);
  return score === null ? undefined : failedJob(id, values, Number(score));
}

/** Tells a letter as it was read from what may stand there later: another death, or the same one written anew. */
export function versionOf({ finishedOn, revision }: Pick<FailedJob, "finishedOn" | "revision">): string {
  return `${finishedOn}.${revision}`;
}

/** Those of these dead letters that are there, in their order. */
export async function readLetters(
  redis: Redis,
  entries: readonly { readonly family: Family; readonly id: string }[],
): Promise<readonly (FailedJob & { readonly family: Family })[]> {
  const pipeline = redis.pipeline();
  for (const { family, id } of entries) pipeline.hmget(keyOf(family, "dead", id), ...fields);
  const answers = valuesOf(await pipeline.exec()) as readonly (readonly (string | null)[])[];
  return entries.flatMap(({ family, id }, i) => {
    const job = failedJob(id, answers[i] ?? []);
    return job === undefined ? [] : [{ family, ...job }];
  });
}

/** The data alone of these dead letters, for who reads very many; undefined for those that are gone. */
export async function readDatas(
  redis: Redis,
  entries: readonly { readonly family: Family; readonly id: string }[],
): Promise<readonly (string | undefined)[]> {
  const pipeline = redis.pipeline();
  for (const { family, id } of entries) pipeline.hget(keyOf(family, "dead", id), "data");
  return valuesOf(await pipeline.exec()).map((data) => (typeof data === "string" ? data : undefined));
}

function failedJob(id: string, values: readonly (string | null)[], diedAt?: number): FailedJob | undefined {
  const [name, data, failedReason, finishedOn, starts, revision, group, bytes] = values;
  if (values.every((value) => value === null)) return undefined;
  return {
    id,
    name: name ?? "",
    data: data ?? "",
    failedReason: failedReason ?? "",
    finishedOn: finishedOn ?? "",
    diedAt: diedAt ?? Number(finishedOn ?? 0),
    starts: Number(starts ?? 0),
    revision: revision ?? "",
    group: group ?? "",
    bytes: Number(bytes ?? 0),
  };
}

/** The ids of a failed set, the oldest first. */
export async function failedIds(
  redis: Redis,
  family: Family,
  queue: "name" | "dead",
  page: { readonly offset: number; readonly limit: number },
): Promise<readonly string[]> {
  const key = keyOf(family, queue, "failed");
  return await redis.zrange(key, String(page.offset), String(page.offset + page.limit - 1));
}

export async function countFailed(redis: Redis, family: Family, queue: "name" | "dead"): Promise<number> {
  return await redis.zcard(keyOf(family, queue, "failed"));
}
