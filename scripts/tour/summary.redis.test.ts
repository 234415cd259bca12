import { randomUUID } from "node:crypto";

import { createClient } from "@understudy/client";
import type { Outcome, Trail } from "@understudy/core";
import { welcomeEmail } from "@understudy/jobs";
import { connectWorker, familyOf, keyOf } from "@understudy/queue";
import { expect, inject, onTestFinished, test } from "vitest";

import { type Fate, readFates, summarize } from "./summary.ts";

const meta = { at: 1, durationMs: 1 };
const deliveredBy = (provider: string): Outcome => ({
  kind: "delivered",
  receipt: {},
  final: true,
  provider,
  ...meta,
});
const timedOutAt = (provider: string): Outcome => ({ kind: "ambiguous", code: "timeout", provider, ...meta });

test("Redis tells of each mail whether it was delivered, is dead, is queued or is lost, and its trail", async () => {
  const url = inject("redisUrl");
  const namespace = `test-${randomUUID().slice(0, 8)}`;
  const client = createClient({ redis: url, namespace });
  const redis = connectWorker(url);
  onTestFinished(async () => {
    await client.close();
    redis.disconnect();
  });
  const family = familyOf("email", namespace);
  const names = ["delivered", "dead", "failed", "queued", "delayed"] as const;
  const ids = new Map<string, string>([["lost", "welcome-email-nowhere"]]);
  for (const name of names) {
    const { id } = await client.enqueue(welcomeEmail, { to: "ada@example.com", name });
    ids.set(name, id);
  }
  const idOf = (name: string): string => ids.get(name) ?? "";
  const trail: Trail = [timedOutAt("sendgrid"), deliveredBy("mailgun")];
  const move = async (name: string, queue: "name" | "dead", set: string): Promise<void> => {
    await redis.lrem(keyOf(family, "name", "wait"), 0, idOf(name));
    await redis.zadd(keyOf(family, queue, set), 1, idOf(name));
  };
  await move("delivered", "name", "completed");
  await redis.hset(keyOf(family, "name", idOf("delivered")), "data", JSON.stringify({ trail }));
  await move("dead", "dead", "failed");
  await redis.hset(
    keyOf(family, "dead", idOf("dead")),
    "data",
    JSON.stringify({ deadLetter: {}, payload: { trail } }),
  );
  await move("failed", "name", "failed");
  await move("delayed", "name", "delayed");

  const mails = [...ids].map(([job, id]) => ({ id, job, queue: "email" }));
  const fates = await readFates(redis, namespace, mails);
  expect(Object.fromEntries(fates.map(({ job, end }) => [job, end]))).toEqual({
    lost: "lost",
    delivered: "delivered",
    dead: "dead",
    failed: "dead",
    queued: "queued",
    delayed: "queued",
  });
  const trails = fates.map((fate) => [fate.job, fate.trail.length]);
  expect(Object.fromEntries(trails)).toMatchObject({ delivered: 2, dead: 2, queued: 0, lost: 0 });
});

const fate = (id: string, end: Fate["end"], trail: Trail = []): Fate => ({
  id,
  job: "welcome-email",
  queue: "email",
  end,
  trail,
});
const effect = (jobId: string, provider: string): { jobId: string; provider: string } => ({
  jobId,
  provider,
});

test("rows count by job, and a delivery by another than the primary as failed over", () => {
  const fates = [
    fate("a", "delivered", [deliveredBy("sendgrid")]),
    fate("b", "delivered", [timedOutAt("sendgrid"), deliveredBy("mailgun")]),
    fate("c", "dead"),
    { ...fate("d", "queued"), job: "send-email" },
    { ...fate("f", "delivered", [deliveredBy("mixpanel")]), job: "sync-analytics", queue: "analytics" },
    fate("e", "lost"),
  ];
  expect(summarize({ fates, effects: [], seconds: 1 })).toMatchObject({
    jobs: {
      "welcome-email": { enqueued: 4, delivered: 2, deadLettered: 1, failedOver: 1 },
      "send-email": { enqueued: 1, delivered: 0, deadLettered: 0, failedOver: 0 },
      "sync-analytics": { enqueued: 1, delivered: 1, deadLettered: 0, failedOver: 0 },
    },
    providers: { sendgrid: { accepted: 0 }, mailgun: { accepted: 0 } },
    duplicates: 0,
    unlabelledDuplicates: 0,
    lost: 1,
    stillQueued: 1,
    seconds: 1,
  });
});

test("a duplicate counts over all providers, and is unlabelled unless the trail had marked it possible", () => {
  const fates = [
    fate("labelled", "delivered", [timedOutAt("sendgrid"), deliveredBy("mailgun")]),
    fate("unlabelled", "delivered", [deliveredBy("sendgrid")]),
  ];
  const effects = [
    effect("labelled", "sendgrid"),
    effect("labelled", "mailgun"),
    effect("unlabelled", "sendgrid"),
    effect("unlabelled", "sendgrid"),
    effect("unlabelled", "mailgun"),
    effect("of-another-tour", "mailgun"),
    effect("of-another-tour", "mailgun"),
  ];
  expect(summarize({ fates, effects, seconds: 1 })).toMatchObject({
    providers: { sendgrid: { accepted: 3 }, mailgun: { accepted: 2 } },
    duplicates: 3,
    unlabelledDuplicates: 2,
  });
});
