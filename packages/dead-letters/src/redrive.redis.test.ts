import { type Envelope, ENVELOPE_VERSION } from "@understudy/core";
import { connectWorker, familyOf, keyOf, locate, openProducer, type Redis } from "@understudy/queue";
import { newSpace } from "@understudy/testkit";
import { Queue, Worker } from "bullmq";
import { afterAll, beforeAll, expect, test } from "vitest";

import { type DeadLetterStore, openDeadLetters } from "./store.ts";

const { redisUrl, namespace } = newSpace();
const family = familyOf("redrive", namespace);
let redis: Redis;
let store: DeadLetterStore;
beforeAll(() => {
  redis = connectWorker(redisUrl);
  store = openDeadLetters(redis, family);
});
afterAll(() => redis.disconnect());

function envelope(more: Partial<Envelope>): Envelope {
  const at = Date.now();
  return {
    v: ENVELOPE_VERSION,
    payload: { list: [] },
    fingerprint: "f",
    idempotencyKey: "k",
    enqueuedAt: at,
    lifeStartedAt: at,
    generation: 1,
    attempt: 3,
    startsSettled: 3,
    trail: [],
    ...more,
  };
}

/** A job that ended with this envelope, moved by the sweep. */
async function deadLetter(id: string, ended: Envelope): Promise<void> {
  const producer = openProducer(redisUrl);
  await producer.add(
    family,
    [
      {
        id,
        name: "a-job",
        data: JSON.stringify(ended),
        timestamp: ended.enqueuedAt,
        keepCompletedMs: 60_000,
        priority: 7,
      },
    ],
    5000,
  );
  await producer.close();
  const connection = { url: redisUrl };
  const worker = new Worker(family.name, () => Promise.reject(new Error("boom")), {
    connection,
    prefix: family.prefix,
  });
  await expect.poll(() => redis.zscore(keyOf(family, "name", "failed"), id)).not.toBeNull();
  await worker.close();
  expect((await store.sweep()).moved).toBeGreaterThan(0);
}

const unknown = { kind: "ambiguous", code: "timeout", provider: "a", at: 1, durationMs: 1 } as const;
const now = Date.now();
const by = { by: "ada", reason: "mailgun is back" };

test("a letter is listed with why it is one, and its job's data", async () => {
  await deadLetter("listed", envelope({ ended: { cause: "exhausted", effect: "none", at: now } }));
  expect(await store.count()).toBe(1);
  expect(await store.list({ offset: 0, limit: 10 })).toMatchObject([
    {
      id: "listed",
      letter: { cause: "exhausted", effect: "none", job: "a-job", attempts: 3 },
      payload: { payload: { list: [] } },
    },
  ]);
  expect(await store.list({ offset: 1, limit: 10 })).toEqual([]);
});

test("a redriven job starts a new life with its trail, its log and its priority, and a bare BullMQ can run it", async () => {
  const trail = [{ ...unknown, kind: "unavailable", code: "http_503" }] as const;
  await deadLetter("again", envelope({ trail, ended: { cause: "exhausted", effect: "none", at: now } }));
  await redis.rpush(`${keyOf(family, "dead", "again")}:logs`, "a line");
  const answers = await Promise.all(
    [1, 2, 3].map(() => store.redrive("again", { ...by, now: Date.now(), forbidsDuplicates: true })),
  );
  expect(answers.toSorted()).toEqual(["gone", "gone", "redriven"]);

  const { place, data } = await locate(redis, family, "again");
  expect(place).toBe("delayed");
  expect(JSON.parse(data ?? "")).toMatchObject({
    generation: 2,
    attempt: 0,
    startsSettled: 0,
    redrives: 1,
    trail,
    payload: { list: [] },
  });
  expect(await redis.lrange(`${keyOf(family, "name", "again")}:logs`, 0, -1)).toEqual(["a line"]);

  const queue = new Queue(family.name, { connection: { url: redisUrl }, prefix: family.prefix });
  const ran: string[] = [];
  const worker = new Worker(
    family.name,
    (job) =>
      Promise.resolve(ran.push(`${job.id} ${job.priority} ${job.attemptsMade} ${job.attemptsStarted}`)),
    {
      connection: { url: redisUrl },
      prefix: family.prefix,
    },
  );
  await expect.poll(() => ran).toEqual(["again 7 0 1"]);
  await worker.close();
  await queue.close();
  expect((await locate(redis, family, "again")).place).toBe("completed");
});

test("of unknown effect: where duplicates are tolerated it is one more possible copy, under the same key", async () => {
  await deadLetter(
    "mail",
    envelope({ trail: [unknown, unknown], ended: { cause: "ambiguous", effect: "maybe", at: now } }),
  );
  const how = { ...by, now, forbidsDuplicates: false, maxPossibleCopies: 2 };
  expect(await store.redrive("mail", how)).toBe("redriven");
  const { data } = await locate(redis, family, "mail");
  expect(JSON.parse(data ?? "")).toMatchObject({
    generation: 1,
    grantedCopies: 1,
    trail: [unknown, unknown],
  });
});

test("more copies may exist than the job itself allows: one more is granted all the same", async () => {
  const trail = [{ ...unknown, count: 5 }] as const;
  await deadLetter(
    "many-copies",
    envelope({ trail, ended: { cause: "ambiguous", effect: "maybe", at: now } }),
  );
  expect(await store.redrive("many-copies", { ...by, now, forbidsDuplicates: false })).toBe("redriven");
  const { data } = await locate(redis, family, "many-copies");
  expect(JSON.parse(data ?? "")).toMatchObject({ grantedCopies: 5 });
});

test("lost with its workers too often: each of them may have made a copy, and the new life knows", async () => {
  await deadLetter("lost-often", envelope({ attempt: 0, startsSettled: 0 }));
  await redis.hset(keyOf(family, "dead", "lost-often"), "ats", 4);
  expect(await store.redrive("lost-often", { ...by, now, forbidsDuplicates: false })).toBe("redriven");
  const { data } = await locate(redis, family, "lost-often");
  expect(JSON.parse(data ?? "")).toMatchObject({
    startsSettled: 0,
    // Four may exist; of a job that allows one that makes five.
    grantedCopies: 4,
    trail: [{ kind: "ambiguous", code: "worker_lost", count: 4 }],
  });
});

test("of unknown effect: money is held", async () => {
  await deadLetter(
    "charge",
    envelope({ trail: [unknown], ended: { cause: "ambiguous", effect: "maybe", at: now } }),
  );
  expect(await store.redrive("charge", { ...by, now, forbidsDuplicates: true })).toBe("held");
  expect((await locate(redis, family, "charge")).place).toBe("dead");
});

test("a second death keeps the evidence of the first", async () => {
  const trail = [{ ...unknown, kind: "unavailable", code: "http_503" }] as const;
  await deadLetter("twice", envelope({ trail, ended: { cause: "exhausted", effect: "none", at: now } }));
  expect(await store.redrive("twice", { ...by, now: Date.now(), forbidsDuplicates: false })).toBe("redriven");
  const connection = { url: redisUrl };
  const worker = new Worker(family.name, () => Promise.reject(new Error("boom again")), {
    connection,
    prefix: family.prefix,
  });
  await expect.poll(() => redis.zscore(keyOf(family, "name", "failed"), "twice")).not.toBeNull();
  await worker.close();
  await store.sweep();
  const letters = await store.list({ offset: 0, limit: 100 });
  expect(letters.find(({ id }) => id === "twice")).toMatchObject({
    letter: { reason: "boom again" },
    payload: { redrives: 1, trail },
  });
});

test("what is not there, or not ours, is said to be so", async () => {
  expect(await store.redrive("never-was", { ...by, now, forbidsDuplicates: false })).toBe("gone");
  const queue = new Queue(family.name, { connection: { url: redisUrl }, prefix: family.prefix });
  await queue.add("a-job", { somebody: "else's" }, { jobId: "foreign", removeOnFail: false });
  const worker = new Worker(family.name, () => Promise.reject(new Error("boom")), {
    connection: { url: redisUrl },
    prefix: family.prefix,
  });
  await expect.poll(() => redis.zscore(keyOf(family, "name", "failed"), "foreign")).not.toBeNull();
  await worker.close();
  await queue.close();
  await store.sweep();
  expect(await store.redrive("foreign", { ...by, now, forbidsDuplicates: false })).toBe("unreadable");
});
