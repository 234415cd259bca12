import { inspect } from "node:util";

import { newSpace, startFaultProxy, until } from "@understudy/testkit";
import { Queue } from "bullmq";
import { describe, expect, onTestFinished, test } from "vitest";

import { connectWorker } from "./connection.ts";
import { locate } from "./inspect.ts";
import { familyOf } from "./names.ts";
import { type NewJob, openProducer, type Producer } from "./producer.ts";

const deadlineMs = 3000;
const { redisUrl, namespace } = newSpace();
const family = familyOf("email", namespace);

function newJob(id: string, data: unknown = { n: 1 }, more: Partial<NewJob> = {}): NewJob {
  return {
    id,
    name: "a-job",
    data: JSON.stringify(data),
    timestamp: Date.now(),
    keepCompletedMs: 60_000,
    ...more,
  };
}

function producerAt(url: string): Producer {
  const producer = openProducer(url);
  onTestFinished(() => producer.close());
  return producer;
}

async function proxied(): Promise<{
  readonly url: string;
  readonly proxy: Awaited<ReturnType<typeof startFaultProxy>>;
}> {
  const { hostname, port } = new URL(redisUrl);
  const proxy = await startFaultProxy({ host: hostname, port: Number(port) });
  onTestFinished(() => proxy.close());
  return { url: `redis://127.0.0.1:${proxy.port}`, proxy };
}

test("tells what stood under an id before, and changes nothing when something did", async () => {
  const producer = producerAt(redisUrl);
  const first = newJob("twice-a", { n: 1 });
  expect(await producer.add(family, [first], deadlineMs)).toEqual([undefined]);
  expect(await producer.add(family, [newJob("twice-a", { n: 2 }), newJob("twice-b")], deadlineMs)).toEqual([
    first.data,
    undefined,
  ]);
  const redis = connectWorker(redisUrl);
  onTestFinished(() => redis.disconnect());
  expect(await locate(redis, family, "twice-a")).toMatchObject({ place: "waiting", data: first.data });
});

test("of a hundred adds of one id at once exactly one finds it free", async () => {
  const producers = [producerAt(redisUrl), producerAt(redisUrl)];
  const answers = await Promise.all(
    Array.from({ length: 100 }, (_, n) => producers[n % 2]!.add(family, [newJob("race", { n })], deadlineMs)),
  );
  expect(answers.flat().filter((before) => before === undefined)).toHaveLength(1);
});

test("what it adds is what a bare BullMQ reads", async () => {
  const bare = new Queue(family.name, { connection: { url: redisUrl }, prefix: family.prefix });
  onTestFinished(() => bare.close());
  await producerAt(redisUrl).add(
    family,
    [newJob("bare", { hello: "world" }, { delayMs: 60_000, priority: 3 })],
    deadlineMs,
  );
  const job = await bare.getJob("bare");
  expect(job).toMatchObject({
    name: "a-job",
    data: { hello: "world" },
    delay: 60_000,
    priority: 3,
    opts: { attempts: 0, removeOnFail: false, removeOnComplete: { age: 60 } },
  });
  expect(await job?.getState()).toBe("delayed");
});

describe("when Redis is away", () => {
  test("an add fails within its deadline, at start too, and a later one works", async () => {
    const { url, proxy } = await proxied();
    proxy.refuse();
    const producer = producerAt(url);
    const started = performance.now();
    await expect(producer.add(family, [newJob("down")], 500)).rejects.toMatchObject({
      code: "redis_unreachable",
    });
    expect(performance.now() - started).toBeLessThan(2000);
    await proxy.heal();
    expect(await producer.add(family, [newJob("down")], deadlineMs)).toEqual([undefined]);
  });

  test("a connection cut in the middle is made again within the deadline", async () => {
    const { url, proxy } = await proxied();
    const producer = producerAt(url);
    await producer.add(family, [newJob("cut-1")], deadlineMs);
    proxy.cut();
    expect(await producer.add(family, [newJob("cut-2")], deadlineMs)).toEqual([undefined]);
  });

  test("a job whose answer was lost on the way is still told as new to the one who made it", async () => {
    const { url, proxy } = await proxied();
    const producer = producerAt(url);
    await producer.add(family, [newJob("own-0")], deadlineMs);
    proxy.silence({ deliver: true });
    const data = { enqueuedAt: 1, idempotencyKey: "k", payload: { n: 1 } };
    const added = producer.add(family, [newJob("own-1", data)], deadlineMs);
    const redis = connectWorker(redisUrl);
    onTestFinished(() => redis.disconnect());
    await until("it is stored", async () => (await locate(redis, family, "own-1")).place === "waiting");
    await proxy.heal();
    expect(await added).toEqual([undefined]);
  });

  test("of many whose answers were lost each is told as new, once", async () => {
    const { url, proxy } = await proxied();
    const producer = producerAt(url);
    const many = (from: number) =>
      Array.from({ length: 120 }, (_, n) => [
        newJob(`many-${from + n}`, { enqueuedAt: 1, idempotencyKey: `k${from + n}`, payload: {} }),
      ]);
    expect(await producer.addEach(family, many(0), deadlineMs)).toEqual(
      many(0).map(() => ({ ok: true, before: [undefined] })),
    );
    proxy.silence({ deliver: true });
    const added = producer.addEach(family, many(60), deadlineMs);
    const redis = connectWorker(redisUrl);
    onTestFinished(() => redis.disconnect());
    await until("some are stored", async () => (await locate(redis, family, "many-125")).place === "waiting");
    await proxy.heal();
    const told = await added;
    // Half of them stood there before, whoever asks.
    expect(told).toHaveLength(120);
    expect(told.every(({ ok }) => ok)).toBe(true);
    expect(told.slice(60)).toEqual(
      many(120)
        .slice(0, 60)
        .map(() => ({ ok: true, before: [undefined] })),
    );
  });

  test("many that cannot be added fail within their deadline, each by itself", async () => {
    const { url, proxy } = await proxied();
    const producer = producerAt(url);
    await producer.add(family, [newJob("each-0")], deadlineMs);
    proxy.silence({ deliver: false });
    const told = await producer.addEach(family, [[newJob("each-1")], [newJob("each-2")]], 300);
    expect(told).toMatchObject([
      { ok: false, error: { code: "redis_unreachable" } },
      { ok: false, error: { code: "redis_unreachable" } },
    ]);
  });

  test("an answer that is lost is an error, and adding again finds the one job", async () => {
    const { url, proxy } = await proxied();
    const producer = producerAt(url);
    await producer.add(family, [newJob("lost-0")], deadlineMs);
    proxy.silence({ deliver: true });
    const job = newJob("lost-1");
    await expect(producer.add(family, [job], 300)).rejects.toMatchObject({ code: "redis_unreachable" });
    await proxy.heal();
    const again = newJob("lost-1", { n: 1 }, { timestamp: job.timestamp });
    expect(await producer.add(family, [again], deadlineMs)).toEqual([job.data]);
    const redis = connectWorker(redisUrl);
    onTestFinished(() => redis.disconnect());
    const waiting = await until("the job", () => redis.lrange(`${family.prefix}:${family.name}:wait`, 0, -1));
    expect(waiting.filter((id) => id === "lost-1")).toHaveLength(1);
  });
});

describe("what Redis says", () => {
  test("no: the error gives its words, and neither message nor cause holds the payload", async () => {
    const redis = connectWorker(redisUrl);
    onTestFinished(() => redis.disconnect());
    await redis.set(`${family.prefix}:${family.name}:refused-1`, "not a hash");
    const job = newJob("refused-1", { subject: "hunter2" });
    const error: unknown = await producerAt(redisUrl)
      .add(family, [job], deadlineMs)
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "redis_refused", message: expect.stringContaining("WRONGTYPE") });
    expect(inspect(error, { depth: 10 })).not.toContain("hunter2");
  });
});

test("a closed producer says so", async () => {
  const producer = openProducer(redisUrl);
  await producer.close();
  await expect(producer.add(family, [newJob("closed")], deadlineMs)).rejects.toMatchObject({
    code: "client_closed",
  });
});

test("a URL of another kind is refused without being printed", () => {
  expect(() => openProducer("http://user:hunter2@localhost")).toThrow(/redis:\/\//u);
  expect(() => openProducer("http://user:hunter2@localhost")).not.toThrow(/hunter2/u);
});
