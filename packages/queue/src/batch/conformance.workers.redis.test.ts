import { newSpace, until } from "@understudy/testkit";
import { FlowProducer, Queue, QueueEvents, Worker } from "bullmq";
import type { Redis } from "ioredis";
import { beforeEach, expect, onTestFinished, test } from "vitest";

import { type Adder, batchingAdder } from "../adder.ts";
import { connectWorker } from "../connection.ts";
import type { Fetched } from "../consumer.ts";
import { type Family, familyOf, keyOf } from "../names.ts";
import type { NewJob } from "../new-job.ts";
import type { Settlement } from "../settlement.ts";
import { COMPLETED, startOurs } from "../testing/completing.ts";
import { addWith } from "../testing/steps.ts";

/** Ours and BullMQ's own, side by side on one queue. */
let family: Family;
let redis: Redis;
let queue: Queue;
let adder: Adder;
let how: { readonly connection: { readonly url: string }; readonly prefix: string };
beforeEach(() => {
  const { redisUrl, namespace } = newSpace();
  family = familyOf("email", namespace);
  how = { connection: { url: redisUrl }, prefix: family.prefix };
  redis = connectWorker(redisUrl);
  queue = new Queue(family.name, how);
  adder = batchingAdder(redis, family);
  onTestFinished(async () => {
    await queue.close();
    redis.disconnect();
  });
});

const ids = Array.from({ length: 60 }, (_, n) => `job-${n}`);
/** Every third has a delay, every fifth a priority. */
const jobs: readonly NewJob[] = ids.map((id, n) => ({
  id,
  name: "mail",
  data: JSON.stringify({ to: id }),
  timestamp: Date.now(),
  delayMs: n % 3 === 0 ? 20 : 0,
  priority: n % 5 === 0 ? 4 : 0,
  keepCompletedMs: 60_000,
}));

async function addByUs(): Promise<void> {
  await Promise.all(jobs.map((job) => addWith(adder, [job])));
}

async function addByBullmq(): Promise<void> {
  await queue.addBulk(
    jobs.map(({ id, name, data, delayMs = 0, priority = 0 }) => ({
      name,
      data: JSON.parse(data) as unknown,
      opts: { jobId: id, delay: delayMs, priority, removeOnComplete: { age: 60 } },
    })),
  );
}

function workByBullmq(process: (id: string) => unknown, concurrency = 5): Worker {
  const worker = new Worker(family.name, ({ id = "" }) => Promise.resolve(process(id)), {
    ...how,
    concurrency,
  });
  onTestFinished(() => worker.close(true));
  return worker;
}

function workByUs(move: (job: Fetched) => Settlement["move"], concurrency = 20) {
  return startOurs(redis, family, move, { concurrency });
}

const completed = (count: number): Promise<number> =>
  until(`${count} have completed`, async () => {
    const found = await redis.zcard(keyOf(family, "name", "completed"));
    return found === count && found;
  });

test("jobs that were added together are run by a bare BullMQ worker, each once", async () => {
  const runs: string[] = [];
  workByBullmq((id) => runs.push(id));
  await addByUs();
  await completed(ids.length);
  expect(runs.toSorted()).toEqual(ids.toSorted());
  expect(await queue.getJobCounts("wait", "active", "delayed", "failed", "prioritized")).toEqual({
    wait: 0,
    active: 0,
    delayed: 0,
    failed: 0,
    prioritized: 0,
  });
});

test("jobs that a bare BullMQ queue added are run by ours, each once, and read back by BullMQ", async () => {
  const runs: string[] = [];
  workByUs(({ id, data }) => {
    runs.push(id);
    return { to: "completed", returnValue: { done: data } };
  });
  await addByBullmq();
  await completed(ids.length);
  expect(runs.toSorted()).toEqual(ids.toSorted());
  const job = await queue.getJob("job-7");
  expect(job).toMatchObject({
    data: { to: "job-7" },
    returnvalue: { done: { to: "job-7" } },
    attemptsMade: 1,
  });
  expect(await job?.getState()).toBe("completed");
});

test("both kinds of workers and of producers on one queue share it, and each job is run once", async () => {
  const runs: string[] = [];
  const [bare, ours] = [new Set<string>(), new Set<string>()];
  workByBullmq((id) => {
    runs.push(id);
    bare.add(id);
  }, 2);
  workByUs(({ id }) => {
    runs.push(id);
    ours.add(id);
    return { to: "completed", returnValue: null };
  }, 2);
  await Promise.all([addByUs(), addByBullmq()]);
  await completed(ids.length);
  for (let n = 0; bare.size === 0 || ours.size === 0; n += 1) {
    await queue.add("more", {}, { jobId: `more-${n}`, removeOnComplete: { age: 60 } });
    await completed(ids.length + n + 1);
  }
  expect(new Set(runs).size).toBe(runs.length);
});

test("BullMQ's events tell the same of jobs that went together as of those that went one by one", async () => {
  const events = new QueueEvents(family.name, { ...how, lastEventId: "0-0" });
  onTestFinished(() => events.close());
  const seen = new Map<string, string[]>();
  const note = (what: string) => (event: { readonly jobId: string; readonly prev?: string | undefined }) => {
    const before = event.prev === undefined ? "" : ` from ${event.prev}`;
    seen.set(event.jobId, [...(seen.get(event.jobId) ?? []), `${what}${before}`]);
  };
  for (const what of ["added", "waiting", "active", "completed", "failed", "delayed"] as const)
    events.on(what, note(what));
  const drained = new Promise<void>((resolve) => void events.on("drained", () => resolve()));
  await events.waitUntilReady();
  const tried = new Set<string>();
  workByUs(({ id }) => {
    if (id === "job-1" && !tried.has(id)) {
      tried.add(id);
      return { to: "delayed", delayMs: 0, spendsAttempt: true };
    }
    return id === "job-2" ? { to: "failed", reason: "boom" } : { to: "completed", returnValue: id };
  });
  await addByUs();
  await completed(ids.length - 1);
  await drained;
  await until(
    "all events are in",
    () => [...seen.values()].flat().filter((what) => what.startsWith("completed")).length === ids.length - 1,
  );
  const usual = ["added", "waiting", "active from waiting", "completed from active"];
  expect(seen.get("job-4")).toEqual(usual);
  expect(seen.get("job-5")).toEqual(usual);
  expect(seen.get("job-3")).toEqual([
    "added",
    "delayed",
    "waiting from delayed",
    "active from waiting",
    "completed from active",
  ]);
  const again = ["waiting from delayed", "active from waiting", "completed from active"];
  expect(seen.get("job-1")).toEqual(["added", "waiting", "active from waiting", "delayed", ...again]);
  expect(seen.get("job-2")).toEqual(["added", "waiting", "active from waiting", "failed from active"]);
});

test("a log with half a character, which the JSON of Redis refuses, is written all the same", async () => {
  const other = familyOf("other", family.namespace);
  startOurs(redis, other, () => COMPLETED, { log: ["half a \ud83d", "whole \u{1F600}"] });
  const [first = expect.unreachable()] = jobs.slice(1);
  await addWith(batchingAdder(redis, other), [first]);
  await until("it has completed", async () => (await redis.zcard(keyOf(other, "name", "completed"))) === 1);
  expect(await redis.lrange(keyOf(other, "name", "job-1:logs"), 0, -1)).toEqual([
    "half a \ufffd",
    "whole \u{1F600}",
  ]);
});

test("of many jobs each has the answer to its own add, and the next ones know what was there", async () => {
  const first = await Promise.all(jobs.map((job) => addWith(adder, [job])));
  expect(first.flat()).toEqual(jobs.map(() => undefined));
  const again = await Promise.all(jobs.map((job) => addWith(adder, [{ ...job, data: '"other"' }])));
  expect(again.flat()).toEqual(jobs.map(({ data }) => data));
});

/** Ours, which completes whatever it gets once `process` has looked at it. */
function completeByUs(process: (id: string) => unknown, onError: (error: Error) => void) {
  const complete = async ({ id }: Fetched) => {
    await process(id);
    return COMPLETED;
  };
  return startOurs(redis, family, complete, { onError });
}

const plainJob = (id: string): NewJob => ({
  id,
  name: "mail",
  data: "{}",
  timestamp: Date.now(),
  keepCompletedMs: 60_000,
});

test("a job that gets a parent while it runs tells it that it has completed", async () => {
  const flows = new FlowProducer(how);
  onTestFinished(() => flows.close());
  const gate = Promise.withResolvers<void>();
  const ran: string[] = [];
  completeByUs(
    async (id) => {
      ran.push(id);
      if (id === "child") await gate.promise;
    },
    (error) => expect.unreachable(error.message),
  );
  await addWith(adder, [plainJob("child")]);
  await until("it runs", () => ran.includes("child"));
  const at = { name: "mail", queueName: family.name, data: {} };
  await flows.add({ ...at, opts: { jobId: "parent" }, children: [{ ...at, opts: { jobId: "child" } }] });
  expect(await queue.getJobState("parent")).toBe("waiting-children");
  gate.resolve();
  await until("the parent has completed", async () => (await queue.getJobState("parent")) === "completed");
  expect(ran).toEqual(["child", "parent"]);
});

test("a job that nobody can read is told of, and holds up neither the others nor the end", async () => {
  const [ran, errors]: [string[], Error[]] = [[], []];
  await addWith(adder, [plainJob("a"), plainJob("poison"), plainJob("b")]);
  const opts = '{"parent":{"id":"x","queue":{"toString":1,"valueOf":1}}}';
  await redis.hset(keyOf(family, "name", "poison"), "opts", opts);
  const consumer = completeByUs(
    (id) => ran.push(id),
    (error) => errors.push(error),
  );
  await until("the others have run", () => ran.length === 2);
  expect(ran).toEqual(["a", "b"]);
  expect(errors).toHaveLength(1);
  await consumer.close({ deadlineMs: 100 });
  expect(await queue.getJobCounts("active", "completed")).toEqual({ active: 1, completed: 2 });
});

test("a lock that somebody else has is told of once, and its job left alone", async () => {
  const errors: string[] = [];
  const lock = keyOf(family, "name", "stolen:lock");
  await addWith(adder, [plainJob("stolen")]);
  completeByUs(
    () => redis.set(lock, "somebody else's"),
    (error) => errors.push(error.message),
  );
  await until("it is told of", () => errors.length >= 2);
  // BullMQ tries to fail it, which is refused as well.
  expect(errors).toEqual([
    "Lock mismatch for job stolen. Cmd moveToFinished from active",
    "Lock mismatch for job stolen. Cmd moveToFinished from active",
  ]);
  expect(await redis.get(lock)).toBe("somebody else's");
  expect(await queue.getJobState("stolen")).toBe("active");
});
