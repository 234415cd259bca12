import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

import { newSpace, until } from "@understudy/testkit";
import { FlowProducer, Queue, UnrecoverableError, Worker } from "bullmq";
import type { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from "vitest";

import { connectWorker } from "./connection.ts";
import { type Family, familyOf, keyOf } from "./names.ts";

/** What our scripts take for granted about BullMQ's keys and fields. An upgrade that changes one of these fails here. */
const { redisUrl, namespace } = newSpace();
let family: Family;
let redis: Redis;
let queue: Queue;
let tests = 0;
const how = (): { readonly connection: { readonly url: string }; readonly prefix: string } => ({
  connection: { url: redisUrl },
  prefix: family.prefix,
});
const key = (part: string): string => keyOf(family, "name", part);
beforeAll(() => {
  redis = connectWorker(redisUrl);
});
afterAll(() => redis.disconnect());
beforeEach(() => {
  tests += 1;
  family = familyOf(`contract-${tests}`, namespace);
  queue = new Queue(family.name, how());
  onTestFinished(() => queue.close());
});

function worker(process: (name: string) => Promise<unknown>, more = {}): Worker {
  const made = new Worker(family.name, (job) => process(job.name), { ...how(), ...more });
  onTestFinished(() => made.close(true));
  return made;
}

/** One that starts jobs and neither runs nor holds them. */
function loser(): Worker {
  const made = new Worker(family.name, null, { ...how(), autorun: false, lockDuration: 30 });
  onTestFinished(() => made.close());
  return made;
}

test("the installed BullMQ is the very version that this package names", () => {
  const manifest = (
    path: string,
  ): { readonly version?: string; readonly dependencies?: Record<string, string> } =>
    JSON.parse(readFileSync(path, "utf8")) as ReturnType<typeof manifest>;
  const installed = manifest(createRequire(import.meta.url).resolve("bullmq/package.json")).version;
  const named = manifest(new URL("../package.json", import.meta.url).pathname).dependencies?.["bullmq"];
  expect(installed).toBe(named);
});

test("a worker that is rate limited waits until a job ends, or until its loop is woken", async () => {
  let isLimited = false;
  const started: string[] = [];
  const ends = Promise.withResolvers<void>();
  const one = new Worker(
    family.name,
    async ({ id = "" }) => {
      started.push(id);
      isLimited = true;
      await ends.promise;
    },
    { ...how(), concurrency: 2, autorun: false },
  );
  onTestFinished(() => one.close(true));
  Object.assign(one, { isRateLimited: () => isLimited });
  void one.run();
  await queue.add("first", {}, { jobId: "job-first" });
  await until("the first runs", () => started.length === 1);
  await queue.add("second", {}, { jobId: "job-second" });
  isLimited = false;
  const loop = Reflect.get(one, "mainLoopQueue") as { add(item: Promise<unknown>): void };
  loop.add(Promise.resolve());
  await until("the second runs though the first has not ended", () => started.length === 2);
  expect(started).toEqual(["job-first", "job-second"]);
  ends.resolve();
});

test("a worker runs whatever stands for its loop, and has the parts of which ours is made", async () => {
  const one = new Worker(family.name, () => Promise.resolve(), { ...how(), autorun: false });
  onTestFinished(() => one.close(true));
  const methods = [
    "waitForJob",
    "waitForRateLimit",
    "retryIfFailed",
    "delay",
    "updateDelays",
    "moveToActive",
  ];
  expect(methods.filter((name) => typeof Reflect.get(one, name) !== "function")).toEqual([]);
  const state = ["limitUntil", "blockUntil", "drained", "abortDelayController", "mainLoopQueue"];
  expect(state.map((name) => Reflect.get(one, name) as unknown)).toEqual([0, 0, false, null, null]);
  let runs = 0;
  Object.assign(one, { mainLoop: () => Promise.resolve((runs += 1)) });
  await one.run();
  expect(runs).toBe(1);
});

test("word that a job waits comes once, and tells when a delayed one is due", async () => {
  const one = loser();
  await one.waitUntilReady();
  const waitForJob = (): Promise<number> => (Reflect.get(one, "waitForJob") as typeof waitForJob).call(one);
  await queue.add("first", {});
  expect(await waitForJob()).toBe(0);
  const { timestamp, delay } = await queue.add("later", {}, { delay: 60_000 });
  expect(await waitForJob()).toBe(timestamp + delay);
});

test("a job that has failed is in the sorted set failed by finishedOn, and its hash has these fields", async () => {
  const { id = "" } = await queue.add("dies", { a: 1 }, { jobId: "job-failed", removeOnFail: false });
  worker(() => Promise.reject(new UnrecoverableError("boom")));
  const score = await until(
    "it has failed",
    async () => (await redis.zscore(key("failed"), id)) ?? undefined,
  );
  const hash = await redis.hgetall(key(id));
  expect(Object.keys(hash).toSorted()).toEqual(
    [
      "ats",
      "atm",
      "data",
      "delay",
      "failedReason",
      "finishedOn",
      "name",
      "opts",
      "priority",
      "processedOn",
      "stacktrace",
      "timestamp",
    ].toSorted(),
  );
  expect(hash).toMatchObject({
    data: '{"a":1}',
    failedReason: "boom",
    finishedOn: score,
    ats: "1",
    name: "dies",
  });
});

test("a job that runs is in the list active and under its lock; wait gives its last, and completed is a sorted set", async () => {
  for (const id of ["job-one", "job-two"]) await queue.add("runs", {}, { jobId: id });
  expect(await redis.lrange(key("wait"), 0, -1)).toEqual(["job-two", "job-one"]);
  const gate = Promise.withResolvers<void>();
  worker(() => gate.promise, { concurrency: 1 });
  await until("the first one runs", async () => (await redis.lpos(key("active"), "job-one")) !== null);
  expect(await redis.lrange(key("wait"), 0, -1)).toEqual(["job-two"]);
  expect(await redis.exists(`${key("job-one")}:lock`)).toBe(1);
  gate.resolve();
  await until("both have completed", async () => (await redis.zcard(key("completed"))) === 2);
  expect(await redis.exists(`${key("job-one")}:lock`)).toBe(0);
});

test("a delayed job's score is its time by 4,096, the marker wakes workers, and a priority has a set of its own", async () => {
  const before = Date.now();
  await queue.add("later", {}, { jobId: "job-later", delay: 3_600_000 });
  const due = Math.floor(Number(await redis.zscore(key("delayed"), "job-later")) / 0x1000);
  expect(due).toBeGreaterThanOrEqual(before + 3_600_000);
  expect(due).toBeLessThan(before + 3_610_000);
  expect(await redis.type(key("marker"))).toBe("zset");
  await queue.add("soon", {}, { jobId: "job-soon", priority: 3 });
  expect(await redis.zscore(key("prioritized"), "job-soon")).not.toBeNull();
  expect(await redis.hget(key("job-soon"), "priority")).toBe("3");
  await queue.remove("job-later");
  await queue.remove("job-soon");
});

test("a job that is lost counts stc, and is given up by the field defa, which a worker makes a failure", async () => {
  await queue.add("lost", {}, { jobId: "job-lost", removeOnFail: false });
  for (let n = 0; n < 2; n += 1) {
    await loser().getNextJob(`token-${n}`);
    const checker = new Worker(family.name, null, {
      ...how(),
      autorun: false,
      stalledInterval: 40,
      maxStalledCount: 1,
    });
    await checker.startStalledCheckTimer();
    await until("it waits again", async () => (await redis.lpos(key("wait"), "job-lost")) !== null);
    await checker.close();
    expect(await redis.hget(key("job-lost"), "stc")).toBe(String(n + 1));
  }
  expect(await redis.hget(key("job-lost"), "defa")).toContain("stalled");
  expect(await redis.type(key("stalled"))).toMatch(/set|none/u);
  worker(() => Promise.resolve());
  await until("it has failed", async () => (await redis.zscore(key("failed"), "job-lost")) !== null);
});

test("a paused queue is told by the field paused of meta", async () => {
  await queue.pause();
  expect(await redis.hexists(key("meta"), "paused")).toBe(1);
  await queue.resume();
  expect(await redis.hexists(key("meta"), "paused")).toBe(0);
});

test("a member of a flow names its parent in the field parentKey", async () => {
  const flows = new FlowProducer(how());
  await flows.add({
    name: "parent",
    queueName: family.name,
    children: [{ name: "child", queueName: family.name, opts: { jobId: "job-child" } }],
  });
  await flows.close();
  expect(await redis.hget(key("job-child"), "parentKey")).toContain(family.name);
});

test("the log of a job is a list beside its hash, and what completed keeps its value under returnvalue", async () => {
  const job = await queue.add("logs", {}, { jobId: "job-logs" });
  await job.log("a line");
  expect(await redis.lrange(`${key("job-logs")}:logs`, 0, -1)).toEqual(["a line"]);
  worker(() => Promise.resolve({ done: true }));
  await until("it has completed", async () => (await redis.zscore(key("completed"), "job-logs")) !== null);
  expect(await redis.hget(key("job-logs"), "returnvalue")).toBe('{"done":true}');
});

test("BullMQ's own retry of a failed job takes it to wait and drops finishedOn: what put-back undoes", async () => {
  await queue.add("again", {}, { jobId: "job-again", removeOnFail: false });
  const failing = worker((name) =>
    name === "again" ? Promise.reject(new Error("boom")) : Promise.resolve(),
  );
  await until("it has failed", async () => (await redis.zscore(key("failed"), "job-again")) !== null);
  await failing.close();
  await (await queue.getJob("job-again"))?.retry("failed");
  expect(await redis.lpos(key("wait"), "job-again")).not.toBeNull();
  expect(await redis.hget(key("job-again"), "finishedOn")).toBeNull();
});
