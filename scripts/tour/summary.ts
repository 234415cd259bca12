import { mayBeDuplicated, type Trail, trailSchema } from "@understudy/core";
import { connectProducer, familyOf, locate, type Located } from "@understudy/queue";
import * as z from "zod";

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
  /** Mails that arrived once more than they should, over all providers. */
  readonly duplicates: number;
  /** Of these, those whose job's trail had not marked it possible. */
  readonly unlabelledDuplicates: number;
  /** Neither delivered nor dead-lettered nor still queued. */
  readonly lost: number;
  readonly stillQueued: number;
  readonly seconds: number;
}

interface Parts {
  readonly redisUrl: string;
  readonly namespace: string;
  readonly route: readonly string[];
  readonly sent: readonly Sent[];
  readonly effects: readonly Effect[];
  readonly seconds: number;
}

export async function summarize({
  redisUrl,
  namespace,
  route,
  sent,
  effects,
  seconds,
}: Parts): Promise<Summary> {
  const redis = connectProducer(redisUrl);
  await redis.ping().catch(async () => {
    await new Promise((resolve) => {
      redis.once("ready", resolve);
    });
  });
  const family = familyOf("email", namespace);
  const fates = await Promise.all(
    sent.map(async (mail) => ({ ...mail, ...fateOf(await locate(redis, family, mail.id)) })),
  );
  redis.disconnect();

  const own = new Set(sent.map(({ id }) => id));
  const arrived = effects.filter(({ jobId }) => jobId !== undefined && own.has(jobId));
  const copies = countBy(arrived, ({ jobId }) => jobId ?? "");
  const extra = fates.map((fate) => ({ ...fate, extra: Math.max(0, (copies.get(fate.id) ?? 0) - 1) }));
  const jobs: Record<string, JobRow> = {};
  for (const { job, end, trail } of fates) {
    const row = (jobs[job] ??= { enqueued: 0, delivered: 0, deadLettered: 0, failedOver: 0 });
    row.enqueued += 1;
    if (end === "delivered") row.delivered += 1;
    if (end === "dead") row.deadLettered += 1;
    if (end === "delivered" && deliveredBy(trail) !== route[0]) row.failedOver += 1;
  }
  return {
    jobs,
    providers: Object.fromEntries(
      route.map((name) => [name, { accepted: arrived.filter(({ provider }) => provider === name).length }]),
    ),
    duplicates: sum(extra.map((fate) => fate.extra)),
    unlabelledDuplicates: sum(extra.filter(({ trail }) => !mayBeDuplicated(trail)).map((fate) => fate.extra)),
    lost: fates.filter(({ end }) => end === "lost").length,
    stillQueued: fates.filter(({ end }) => end === "queued").length,
    seconds,
  };
}

interface Fate {
  readonly end: "delivered" | "dead" | "queued" | "lost";
  readonly trail: Trail;
}

const withTrail = z.object({ trail: trailSchema });
const stored = z.union([withTrail, z.object({ payload: withTrail }).transform(({ payload }) => payload)]);

function fateOf({ place, data }: Located): Fate {
  const parsed = data === undefined ? undefined : stored.safeParse(JSON.parse(data));
  const trail = parsed?.success === true ? parsed.data.trail : [];
  const ends = {
    completed: "delivered",
    dead: "dead",
    absent: "lost",
    failed: "dead",
    waiting: "queued",
    delayed: "queued",
    active: "queued",
  } as const;
  return { end: ends[place], trail };
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
