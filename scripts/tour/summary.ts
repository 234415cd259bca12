import { mayBeDuplicated, type Trail, trailSchema } from "@understudy/core";
import { familyOf, locate, type Located, type Redis } from "@understudy/queue";
import * as z from "zod";

import { primaries, providers } from "./routes.ts";
import type { Effect } from "./sandbox.ts";
import type { Sent } from "./stream.ts";

interface JobRow {
  enqueued: number;
  delivered: number;
  deadLettered: number;
  failedOver: number;
}

/** What happened, from Redis (where each job is, what its trail says) and from the sandbox (what really arrived). */
export interface Summary {
  readonly jobs: Readonly<Record<string, JobRow>>;
  readonly providers: Readonly<Record<string, { readonly accepted: number }>>;
  /** What happened once more than it should, over all providers. */
  readonly duplicates: number;
  /** Of these, those whose job's trail had not marked it possible. */
  readonly unlabelledDuplicates: number;
  /** Neither delivered nor dead-lettered nor still queued. */
  readonly lost: number;
  readonly stillQueued: number;
  readonly seconds: number;
}

/** What became of one job, as Redis tells it. */
export interface Fate extends Sent {
  readonly end: "delivered" | "dead" | "queued" | "lost";
  readonly trail: Trail;
}

interface Parts {
  readonly fates: readonly Fate[];
  /** What the sandbox's providers have done. */
  readonly effects: readonly Effect[];
  readonly seconds: number;
}

/** Asks Redis about each job. */
export async function readFates(
  redis: Redis,
  namespace: string,
  jobs: readonly Sent[],
): Promise<readonly Fate[]> {
  return await Promise.all(
    jobs.map(async (job) => ({
      ...job,
      ...fateOf(await locate(redis, familyOf(job.queue, namespace), job.id)),
    })),
  );
}

export function summarize({ fates, effects, seconds }: Parts): Summary {
  const own = new Set(fates.map(({ id }) => id));
  const arrived = effects.filter(({ jobId }) => jobId !== undefined && own.has(jobId));
  const copies = countBy(arrived, ({ jobId }) => jobId ?? "");
  const extra = fates.map((fate) => ({ ...fate, extra: Math.max(0, (copies.get(fate.id) ?? 0) - 1) }));
  return {
    jobs: rowsOf(fates),
    providers: Object.fromEntries(
      providers.map((name) => [
        name,
        { accepted: arrived.filter(({ provider }) => provider === name).length },
      ]),
    ),
    duplicates: sum(extra.map((fate) => fate.extra)),
    unlabelledDuplicates: sum(extra.filter(({ trail }) => !mayBeDuplicated(trail)).map((fate) => fate.extra)),
    lost: fates.filter(({ end }) => end === "lost").length,
    stillQueued: fates.filter(({ end }) => end === "queued").length,
    seconds,
  };
}

function rowsOf(fates: readonly Fate[]): Summary["jobs"] {
  const jobs: Record<string, JobRow> = {};
  for (const { job, end, trail } of fates) {
    const row = (jobs[job] ??= { enqueued: 0, delivered: 0, deadLettered: 0, failedOver: 0 });
    row.enqueued += 1;
    if (end === "delivered") row.delivered += 1;
    if (end === "dead") row.deadLettered += 1;
    if (end === "delivered" && hasFailedOver(trail)) row.failedOver += 1;
  }
  return jobs;
}

const withTrail = z.object({ trail: trailSchema });
const stored = z.union([withTrail, z.object({ payload: withTrail }).transform(({ payload }) => payload)]);

const ends = {
  completed: "delivered",
  dead: "dead",
  failed: "dead",
  waiting: "queued",
  delayed: "queued",
  active: "queued",
  absent: "lost",
} as const;

function fateOf({ place, data }: Located): Pick<Fate, "end" | "trail"> {
  const parsed = data === undefined ? undefined : stored.safeParse(JSON.parse(data));
  return { end: ends[place], trail: parsed?.success === true ? parsed.data.trail : [] };
}

function deliveredBy(trail: Trail): string | undefined {
  return trail.find(({ kind }) => kind === "delivered")?.provider;
}

function countBy<T>(items: readonly T[], key: (item: T) => string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(key(item), (counts.get(key(item)) ?? 0) + 1);
  return counts;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}

/** A backup that was only kept warm was asked first, and nobody else. */
function hasFailedOver(trail: Trail): boolean {
  const by = deliveredBy(trail) ?? "";
  return !primaries.has(by) && trail.some(({ provider }) => provider !== by);
}
