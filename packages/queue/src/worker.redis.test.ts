import { setTimeout as sleep } from "node:timers/promises";

import type { Capacity } from "@understudy/core";
import { newSpace, until } from "@understudy/testkit";
import { Queue } from "bullmq";
import type { Redis } from "ioredis";
import { beforeEach, expect, onTestFinished, test } from "vitest";

import { connectWorker } from "./connection.ts";
import type { Consumer, ConsumerOptions, Fetched } from "./consumer.ts";
import { type Family, familyOf, keyOf } from "./names.ts";
import { COMPLETED, startOurs } from "./testing/completing.ts";

let family: Family;
let redis: Redis;
let queue: Queue;
beforeEach(() => {
  const { redisUrl, namespace } = newSpace();
  family = familyOf("email", namespace);
  redis = connectWorker(redisUrl);
  queue = new Queue(family.name, { connection: redis, prefix: family.prefix });
  onTestFinished(async () => {
    await queue.close();
    redis.disconnect();
  });
});

/** Completes whatever it gets once `run` is through. */
function start(run: (name: string) => unknown, options: Partial<ConsumerOptions> = {}): Consumer {
  const complete = async ({ name }: Fetched) => {
    await run(name);
    return COMPLETED;
  };
  return startOurs(redis, family, complete, options);
}

const add = async (name: string, delay = 0): Promise<void> => {
  await queue.add(name, {}, { jobId: name, delay, removeOnComplete: { age: 60 } });
};

test("all slots are filled by those that wait, and each job begins at once", async () => {
  const gate = Promise.withResolvers<void>();
  const begun: string[] = [];
  const names = Array.from({ length: 30 }, (_, n) => `job-${n}`);
  for (const name of names) await add(name);
  start(
    async (name) => {
      begun.push(name);
      await gate.promise;
    },
    { concurrency: 20 },
  );
  await until("twenty have begun", () => begun.length >= 20);
  await sleep(50);
  expect(begun).toEqual(names.slice(0, 20));
  gate.resolve();
  await until("the others have begun", () => begun.length === 30);
});

test("no more run than may while one that was over at once is settled, though there is room for those that hang", async () => {
  const gate = Promise.withResolvers<void>();
  const begun: string[] = [];
  for (const name of ["quick", "slow", "too-much"]) await add(name);
  start(
    async (name) => {
      begun.push(name);
      if (name !== "quick") await gate.promise;
    },
    { concurrency: 1, spare: 1 },
  );
  await until("the second has begun", () => begun.length === 2);
  await sleep(100);
  expect(begun).toEqual(["quick", "slow"]);
  gate.resolve();
  await until("the last has begun", () => begun.length === 3);
});

test("a job that nobody can read holds no slot, and no worker that is told to end", async () => {
  const errors: Error[] = [];
  await add("poison");
  const opts = '{"parent":{"id":"x","queue":{"toString":1,"valueOf":1}}}';
  await redis.hset(keyOf(family, "name", "poison"), "opts", opts);
  const consumer = start(() => expect.unreachable("it cannot be read"), {
    onError: (error) => errors.push(error),
  });
  await until("it is told of", () => errors.length === 1);
  await consumer.close({ deadlineMs: 100 });
  expect(consumer.isRunning()).toBe(false);
});

test.each([
  ["ordinary", {}],
  ["that BullMQ has to read", { stacktrace: "[]" }],
])(
  "an %s job whose options are no JSON runs with none, and the one before it is not refused",
  async (_, more) => {
    const told: string[] = [];
    for (const name of ["first", "broken", "last"]) await add(name);
    await redis.hset(keyOf(family, "name", "broken"), { opts: "{", ...more });
    start(() => undefined, {
      process: async ({ name }) => ({ move: COMPLETED, log: [], afterwards: () => void told.push(name) }),
      onError: (error) => told.push(error.message),
    });
    await until("all are over", () => told.length === 3);
    expect(told).toEqual(["first", "broken", "last"]);
    expect(await redis.zcard(keyOf(family, "name", "completed"))).toBe(3);
  },
);

test("a worker that is told to end while no provider has room ends at once", async () => {
  const shut: Capacity = { room: 0, opensAt: Infinity };
  const consumer = start(() => expect.unreachable("nobody has room"), { capacity: () => shut });
  await add("waits");
  await sleep(20);
  const began = performance.now();
  await consumer.close({ deadlineMs: 5000 });
  expect(performance.now() - began).toBeLessThan(1000);
  expect(await queue.getJobCounts("wait", "active")).toEqual({ wait: 1, active: 0 });
});

test("a limit that stands in Redis is kept, and what it held back is run when it is over", async () => {
  await queue.setGlobalRateLimit(1, 200);
  const at: number[] = [];
  for (const name of ["one", "two", "three"]) await add(name);
  start(() => at.push(performance.now()), { concurrency: 5 });
  await until("all have run", () => at.length === 3);
  const [first = 0, , last = 0] = at;
  expect(last - first).toBeGreaterThan(200);
  expect(last - first).toBeLessThan(2000);
});

test("a delayed job runs when it is due, whatever was settled behind a shut door meanwhile", async () => {
  const room = { room: Infinity, opensAt: 0 };
  const gate = Promise.withResolvers<void>();
  const begun: string[] = [];
  start(
    async (name) => {
      begun.push(name);
      if (name === "first") await gate.promise;
    },
    { concurrency: 5, capacity: () => room },
  );
  await add("first");
  await until("the first runs", () => begun.length === 1);
  const dueAt = performance.now() + 400;
  room.room = 0;
  await add("later", 400);
  await sleep(50);
  gate.resolve();
  await until("it is settled", async () => (await queue.getJobCountByTypes("completed")) === 1);
  room.room = Infinity;
  await until("the delayed one has begun", () => begun.length === 2);
  expect(performance.now() - dueAt).toBeLessThan(1500);
});
