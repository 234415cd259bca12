import { connectWorker, familyOf, keyOf, locate } from "@understudy/queue";
import { newSpace } from "@understudy/testkit";
import { Queue, Worker } from "bullmq";
import { expect, onTestFinished, test } from "vitest";

import { openDeadLetters } from "./store.ts";

const { redisUrl, namespace } = newSpace();
const family = familyOf("letters", namespace);

/** Jobs that a bare BullMQ worker failed, so that nothing of ours has touched them. */
async function failedJobs(jobs: readonly { readonly id: string; readonly data: unknown }[]): Promise<void> {
  const connection = { url: redisUrl };
  const queue = new Queue(family.name, { connection, prefix: family.prefix });
  for (const { id, data } of jobs) await queue.add("a-job", data, { jobId: id, removeOnFail: false });
  const worker = new Worker(family.name, () => Promise.reject(new Error("boom")), {
    connection,
    prefix: family.prefix,
  });
  const redis = connectWorker(redisUrl);
  await expect.poll(() => redis.zcard(keyOf(family, "name", "failed"))).toBe(jobs.length);
  redis.disconnect();
  await worker.close();
  await queue.close();
}

test("a failed job is moved exactly once, whoever asks and how often, and keeps its data byte for byte", async () => {
  const data = { list: [], nested: {}, precise: 12_345.678_901, text: 'quote " and \\ slash' };
  const ids = Array.from({ length: 20 }, (_, n) => `job-${n}`);
  await failedJobs(ids.map((id) => ({ id, data })));
  const connections = [1, 2, 3].map(() => connectWorker(redisUrl));
  onTestFinished(() => connections.forEach((redis) => redis.disconnect()));
  const stores = connections.map((redis) => openDeadLetters(redis, family));

  const answers = await Promise.all(ids.flatMap((id) => stores.map((store) => store.take(id))));

  expect(answers.filter(Boolean)).toHaveLength(ids.length);
  const [redis] = connections;
  if (redis === undefined) throw new TypeError("no connection");
  expect(await redis.zcard(keyOf(family, "dead", "failed"))).toBe(ids.length);
  expect(await redis.zcard(keyOf(family, "name", "failed"))).toBe(0);
  const stored = await redis.hget(keyOf(family, "dead", "job-0"), "data");
  expect(stored).toContain(`,"payload":${JSON.stringify(data)}}`);
  expect(await redis.hget(keyOf(family, "dead", "job-0"), "failedReason")).toBe("boom");
  expect(await locate(redis, family, "job-0")).toMatchObject({ place: "dead" });
});

test("what a bare BullMQ shows of the dead-letter queue is the failed job, ready for its own Retry button", async () => {
  const queue = new Queue(family.dead, { connection: { url: redisUrl }, prefix: family.prefix });
  onTestFinished(() => queue.close());
  const job = await queue.getJob("job-0");
  expect(await job?.getState()).toBe("failed");
  expect(job?.name).toBe("a-job");
});

test("data that is not JSON is kept as it is, as a string", async () => {
  const redis = connectWorker(redisUrl);
  onTestFinished(() => redis.disconnect());
  await failedJobs([{ id: "broken", data: {} }]);
  await redis.hset(keyOf(family, "name", "broken"), "data", '{"half": ');
  expect(await openDeadLetters(redis, family).take("broken")).toBe(true);
  const stored = JSON.parse((await redis.hget(keyOf(family, "dead", "broken"), "data")) ?? "") as Record<
    string,
    unknown
  >;
  expect(stored).toMatchObject({
    raw: '{"half": ',
    deadLetter: { cause: "invalid", effect: "maybe", job: "a-job" },
  });
});

test("a job that has not failed is left alone", async () => {
  const redis = connectWorker(redisUrl);
  onTestFinished(() => redis.disconnect());
  const queue = new Queue(family.name, { connection: { url: redisUrl }, prefix: family.prefix });
  onTestFinished(() => queue.close());
  await queue.add("a-job", {}, { jobId: "fine" });
  expect(await openDeadLetters(redis, family).take("fine")).toBe(false);
  expect(await openDeadLetters(redis, family).take("never-was")).toBe(false);
  expect((await locate(redis, family, "fine")).place).toBe("waiting");
});
