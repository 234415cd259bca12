import { keyOf } from "@understudy/queue";

import type { Sent } from "../tour/stream.ts";
import { readFates, summarize } from "../tour/summary.ts";
import { SETTLE_MS } from "./form.ts";
import type { Stage } from "./stage.ts";
import { until } from "./until.ts";

/** What a scenario came to, counted from Redis and from the sandbox and not from what workers say. */
export interface Figures {
  readonly delivered: number;
  readonly deadLettered: number;
  /** Unknown to Redis, or delivered by its word and yet never arrived. */
  readonly lost: number;
  readonly stillQueued: number;
  readonly duplicates: number;
  readonly unlabelledDuplicates: number;
  /** How many mails arrived once, twice …: `{ "1": 298, "2": 2 }`. */
  readonly arrivals: Readonly<Record<string, number>>;
}

/** Where jobs wait, are at work, or have failed and are not yet with the dead letters. */
const unsettled = ["wait", "prioritized", "delayed", "active", "failed"] as const;

/** Waits until every job has ended and counts. */
export async function figuresOf(stage: Stage, mails: readonly Sent[]): Promise<Figures> {
  await until("every job has ended", async () => (await countUnsettled(stage)) === 0, SETTLE_MS);
  const fates = await readFates(stage.redis, stage.family.namespace, mails);
  const effects = await stage.sandbox.effects();
  const { duplicates, unlabelledDuplicates, lost, stillQueued } = summarize({
    fates,
    effects,
    seconds: 0,
  });
  const copies = new Map(fates.map(({ id }) => [id, 0]));
  for (const { jobId = "" } of effects) copies.set(jobId, (copies.get(jobId) ?? 0) + 1);
  const arrivals: Record<string, number> = {};
  for (const count of copies.values()) arrivals[count] = (arrivals[count] ?? 0) + 1;
  const neverArrived = fates.filter(({ id, end }) => end === "delivered" && copies.get(id) === 0);
  return {
    delivered: fates.filter(({ end }) => end === "delivered").length,
    deadLettered: fates.filter(({ end }) => end === "dead").length,
    lost: lost + neverArrived.length,
    stillQueued,
    duplicates,
    unlabelledDuplicates,
    arrivals,
  };
}

/** Of the jobs in one of BullMQ's sets or lists. */
export async function countIn({ redis, family }: Stage, ...sets: readonly string[]): Promise<number> {
  const keys = sets.map((set) => keyOf(family, "name", set));
  const counts = await Promise.all(
    keys.map(async (key, n) => (isList(sets[n]) ? await redis.llen(key) : await redis.zcard(key))),
  );
  return counts.reduce((a, b) => a + b, 0);
}

/** Of the jobs that were delivered or are dead letters. */
export async function countEnded(stage: Stage): Promise<number> {
  const dead = await stage.redis.zcard(keyOf(stage.family, "dead", "failed"));
  return dead + (await countIn(stage, "completed"));
}

async function countUnsettled(stage: Stage): Promise<number> {
  return await countIn(stage, ...unsettled);
}

function isList(set: string | undefined): boolean {
  return set === "wait" || set === "active";
}

/** How often BullMQ started these jobs, in all. */
export async function countStarts({ redis, family }: Stage, mails: readonly Sent[]): Promise<number> {
  const starts = await Promise.all(mails.map(({ id }) => redis.hget(keyOf(family, "name", id), "ats")));
  return starts.reduce((sum, count) => sum + Number(count ?? 0), 0);
}
