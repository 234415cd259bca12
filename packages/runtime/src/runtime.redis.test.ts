import { keyOf, writeFenced } from "@understudy/queue";
import { until } from "@understudy/testkit";
import { Queue } from "bullmq";
import { describe, expect, onTestFinished, test } from "vitest";

import { delivered, failing, newStage, noteJob, payJob, scripted } from "./testing/stage.ts";

const keyed = { horizonMs: 86_400_000, maxKeyLength: 255 };

describe("a delivery", () => {
  test("completes the job with its receipt, keeps the trail, and leaves a line a call in the job's log", async () => {
    const stage = newStage();
    stage.start([scripted("a", [delivered])]);
    const { id } = await stage.client.enqueue(noteJob, { n: 1 });
    const envelope = await stage.reaches(id, "completed");
    expect(envelope).toMatchObject({
      attempt: 1,
      startsSettled: 1,
      trail: [{ kind: "delivered", provider: "a" }],
    });
    const key = keyOf(stage.family, "name", id);
    expect(JSON.parse((await stage.redis.hget(key, "returnvalue")) ?? "")).toEqual({ id: "r1" });
    const log = await stage.redis.lrange(`${key}:logs`, 0, -1);
    expect(log[0]).toMatch(/^\S+ attempt 1 a ✓ delivered in 1 ms$/u);
    expect(log[1]).toBe("→ complete");
  });

  test("goes to the next provider when the first could not, and says so", async () => {
    const stage = newStage();
    stage.start([scripted("a", [failing("unavailable", "http_503")]), scripted("b", [delivered])]);
    const { id } = await stage.client.enqueue(noteJob, { n: 1 });
    expect(await stage.reaches(id, "completed")).toMatchObject({
      trail: [{ provider: "a", code: "http_503" }, { provider: "b" }],
    });
    expect(stage.events).toContainEqual(
      expect.objectContaining({ event: "failover", from: ["a"], to: "b", jobId: id }),
    );
  });

  test("uses one idempotency key for every attempt and provider", async () => {
    const stage = newStage();
    const a = scripted("a", [failing("unavailable", "http_503")]);
    const b = scripted("b", [failing("unavailable", "http_503"), delivered]);
    stage.start([a, b]);
    const { id } = await stage.client.enqueue(noteJob, { n: 1 });
    await stage.reaches(id, "completed");
    expect(new Set([...a.calls, ...b.calls].map(({ idempotencyKey }) => idempotencyKey))).toEqual(
      new Set([`${id}-g1`]),
    );
  });
});

describe("waiting", () => {
  test("everybody only said later: no attempt is spent", async () => {
    const stage = newStage();
    const link = scripted("a", [
      failing("throttled", "http_429", 5),
      failing("withheld", "circuit_open", 5),
      delivered,
    ]);
    stage.start([link]);
    const { id } = await stage.client.enqueue(noteJob, { n: 1 });
    expect(await stage.reaches(id, "completed")).toMatchObject({ attempt: 1, startsSettled: 3 });
    expect(stage.events.filter((e) => e.event === "settled").map((e) => e.verdict)).toEqual([
      "snooze",
      "snooze",
      "complete",
    ]);
  });

  test("nothing is fetched while every provider is closed", async () => {
    const stage = newStage();
    let opensAt = Date.now() + 600_000;
    stage.start([scripted("a", [delivered], { opensAt: () => opensAt })]);
    const { id } = await stage.client.enqueue(noteJob, { n: 1 });
    await until(
      "the worker has looked",
      async () => (await stage.redis.exists(keyOf(stage.family, "name", "stalled-check"))) === 1,
    );
    expect(await stage.redis.hget(keyOf(stage.family, "name", id), "ats")).toBeNull();
    opensAt = 0;
    expect(await stage.reaches(id, "completed")).toMatchObject({ startsSettled: 1 });
  });
});

describe("a dead letter", () => {
  test("is what a rejection becomes, with the whole trail and the job's log", async () => {
    const stage = newStage();
    stage.start([scripted("a", [failing("rejected", "http_400")]), scripted("b", [delivered])]);
    const { id } = await stage.client.enqueue(noteJob, { n: 1 });
    const envelope = await stage.reaches(id, "dead");
    expect(envelope).toMatchObject({
      payload: { n: 1 },
      ended: { cause: "rejected", effect: "none" },
      trail: [{ code: "http_400" }],
    });
    const key = keyOf(stage.family, "dead", id);
    expect(JSON.parse((await stage.redis.hget(key, "data")) ?? "")).toMatchObject({
      deadLetter: { v: 1, queue: "notes", job: "note", cause: "rejected", effect: "none", attempts: 1 },
    });
    expect(await stage.redis.lrange(`${key}:logs`, 0, -1)).toHaveLength(2);
    expect(await stage.redis.zscore(keyOf(stage.family, "name", "failed"), id)).toBeNull();
  });

  test("keeps its id taken: the same enqueue is absorbed, another payload is a conflict", async () => {
    const stage = newStage();
    stage.start([scripted("a", [failing("rejected", "http_400")])]);
    const key = { idempotencyKey: "k" };
    const { id } = await stage.client.enqueue(noteJob, { n: 1 }, key);
    await stage.reaches(id, "dead");
    expect(await stage.client.enqueue(noteJob, { n: 1 }, key)).toMatchObject({ id, status: "duplicate" });
    expect(await stage.client.enqueue(noteJob, { n: 2 }, key)).toMatchObject({ id, status: "conflict" });
    expect(await stage.redis.llen(keyOf(stage.family, "name", "wait"))).toBe(0);
  });

  test("is what a job becomes whose attempts are used up", async () => {
    const stage = newStage();
    const link = scripted("a", [failing("unavailable", "http_503")]);
    stage.start([link]);
    const { id } = await stage.client.enqueue(noteJob, { n: 1 });
    expect(await stage.reaches(id, "dead")).toMatchObject({
      attempt: 3,
      ended: { cause: "exhausted", effect: "none" },
    });
    expect(link.calls).toHaveLength(3);
  });

  test("is what foreign data becomes, byte for byte", async () => {
    const stage = newStage();
    const bare = new Queue("notes", {
      connection: { url: stage.space.redisUrl },
      prefix: stage.family.prefix,
    });
    onTestFinished(() => bare.close());
    await bare.add("note", { list: [], big: 1.5, nested: {} }, { jobId: "foreign", removeOnFail: false });
    stage.start([scripted("a", [delivered])]);
    await until(
      "it is dead",
      async () => (await stage.redis.zscore(keyOf(stage.family, "dead", "failed"), "foreign")) !== null,
    );
    const data = (await stage.redis.hget(keyOf(stage.family, "dead", "foreign"), "data")) ?? "";
    expect(data).toContain(`,"payload":{"list":[],"big":1.5,"nested":{}}}`);
    expect(JSON.parse(data)).toMatchObject({ deadLetter: { cause: "invalid" } });
  });
});

test("partly delivered is delivered; what was refused for now is a job of its own, for good a dead letter of its own", async () => {
  const stage = newStage();
  const undelivered = [
    { item: "7", code: "smtp_450", permanent: false },
    { item: "8", code: "smtp_550", permanent: true },
  ];
  const link = scripted("a", [
    { kind: "delivered", receipt: { id: "r1" }, final: true, undelivered },
    delivered,
  ]);
  stage.start([link]);
  const { id } = await stage.client.enqueue(noteJob, { n: 1 }, { idempotencyKey: "three" });
  await stage.reaches(id, "completed");
  const [later] = await until("the rest was tried", () =>
    link.calls.length === 2 ? link.calls.slice(1) : undefined,
  );
  expect(later).toMatchObject({ request: { n: 7 } });
  await stage.reaches(later?.jobId ?? "", "completed");
  const dead = await until("the dead letter", async () => {
    const ids = await stage.redis.zrange(keyOf(stage.family, "dead", "failed"), "0", "-1");
    return ids.length === 1 ? ids : undefined;
  });
  expect(await stage.envelopeOf(dead[0] ?? "")).toMatchObject({
    only: "8",
    payload: { n: 1 },
    ended: { cause: "undelivered", effect: "none" },
    trail: [],
  });
  expect(link.calls).toHaveLength(2);
});

describe("effects of unknown fate", () => {
  test("a mail goes on to the next provider, and its trail says that it may arrive twice", async () => {
    const stage = newStage();
    stage.start([scripted("a", [failing("ambiguous", "timeout")]), scripted("b", [delivered])]);
    const { id } = await stage.client.enqueue(noteJob, { n: 1 });
    await stage.reaches(id, "completed");
    expect(stage.events).toContainEqual(
      expect.objectContaining({ event: "settled", jobId: id, mayBeDuplicated: true }),
    );
  });

  test("a mail is not sent a third time when two copies may exist", async () => {
    const stage = newStage();
    const links = ["a", "b", "c"].map((name) => scripted(name, [failing("ambiguous", "timeout")]));
    stage.start(links);
    const { id } = await stage.client.enqueue(noteJob, { n: 1 });
    expect(await stage.reaches(id, "dead")).toMatchObject({ ended: { cause: "ambiguous", effect: "maybe" } });
    expect(links.map(({ calls }) => calls.length)).toEqual([1, 1, 0]);
  });

  test("a charge stays with its provider until that replays it", async () => {
    const stage = newStage();
    const a = scripted(
      "a",
      [failing("ambiguous", "timeout"), failing("throttled", "http_429", 5), delivered],
      { idempotency: keyed },
    );
    const b = scripted("b", [delivered], { idempotency: keyed });
    stage.start([a, b]);
    const { id } = await stage.client.enqueue(payJob, { n: 1 }, { idempotencyKey: "order-1" });
    const envelope = await stage.reaches(id, "completed");
    expect(envelope.trail.map(({ provider, kind }) => `${provider} ${kind}`)).toEqual([
      "a ambiguous",
      "a throttled",
      "a delivered",
    ]);
    expect([a.calls.length, b.calls.length]).toEqual([3, 0]);
  });

  test("a charge is bound in Redis before anything leaves, and let go when nothing happened", async () => {
    const stage = newStage();
    let boundBefore: unknown;
    const a = scripted(
      "a",
      [
        async () => {
          boundBefore = (await stage.envelopeOf(id)).bound;
          return failing("unavailable", "http_503");
        },
      ],
      { idempotency: keyed },
    );
    const b = scripted("b", [delivered], { idempotency: keyed });
    const { id } = await stage.client.enqueue(payJob, { n: 1 }, { idempotencyKey: "order-2" });
    stage.start([a, b]);
    await stage.reaches(id, "completed");
    expect(boundBefore).toMatchObject({ provider: "a" });
    expect(b.calls).toHaveLength(1);
  });

  test("a charge whose provider has left the route waits for it", async () => {
    const stage = newStage();
    const { id } = await stage.client.enqueue(payJob, { n: 1 }, { idempotencyKey: "order-3" });
    const first = stage.start([
      scripted("a", [failing("ambiguous", "in_progress", 500)], { idempotency: keyed }),
    ]);
    await until("the first call", async () =>
      (await stage.envelopeOf(id)).trail.length > 0 ? true : undefined,
    );
    await first.close({ deadlineMs: 100 });
    const other = scripted("b", [delivered], { idempotency: keyed });
    stage.start([other]);
    await until("it was looked at", () =>
      stage.events.some((e) => e.event === "call" && e.code === "provider_missing"),
    );
    expect(other.calls).toHaveLength(0);
  });
});

describe("a bug of ours", () => {
  test("leaves the fate unknown: a charge stays where it was bound", async () => {
    const stage = newStage();
    const a = scripted("a", [], { idempotency: keyed });
    const b = scripted("b", [delivered], { idempotency: keyed });
    const { id } = await stage.client.enqueue(payJob, { n: 1 }, { idempotencyKey: "order-5" });
    stage.start([a, b]);
    expect(await stage.reaches(id, "dead")).toMatchObject({
      bound: { provider: "a" },
      ended: { cause: "ambiguous", effect: "maybe" },
    });
    expect(b.calls).toHaveLength(0);
    expect(stage.events).toContainEqual(expect.objectContaining({ event: "trouble" }));
  });
});

describe("a worker lost in the middle", () => {
  test("is an outcome: the mail is sent again, marked, and the attempt is spent", async () => {
    const stage = newStage();
    const { id } = await stage.client.enqueue(noteJob, { n: 1 });
    await stage.redis.hincrby(keyOf(stage.family, "name", id), "ats", 1);
    stage.start([scripted("a", [delivered])]);
    expect(await stage.reaches(id, "completed")).toMatchObject({
      attempt: 2,
      startsSettled: 2,
      trail: [{ kind: "ambiguous", code: "worker_lost", provider: "unknown" }, { kind: "delivered" }],
    });
    expect(stage.events).toContainEqual(expect.objectContaining({ event: "settled", mayBeDuplicated: true }));
  });

  test("twice: the mail is held as a dead letter instead of risking a third copy", async () => {
    const stage = newStage();
    const { id } = await stage.client.enqueue(noteJob, { n: 1 });
    await stage.redis.hincrby(keyOf(stage.family, "name", id), "ats", 2);
    const link = scripted("a", [delivered]);
    stage.start([link]);
    expect(await stage.reaches(id, "dead")).toMatchObject({ ended: { cause: "ambiguous", effect: "maybe" } });
    expect(link.calls).toHaveLength(0);
  });

  test("before a charge was bound: nothing can have left, so any provider may be asked", async () => {
    const stage = newStage();
    const { id } = await stage.client.enqueue(payJob, { n: 1 }, { idempotencyKey: "order-4" });
    await stage.redis.hincrby(keyOf(stage.family, "name", id), "ats", 1);
    stage.start([
      scripted("a", [failing("unavailable", "http_503")], { idempotency: keyed }),
      scripted("b", [delivered], { idempotency: keyed }),
    ]);
    expect(await stage.reaches(id, "completed")).toMatchObject({
      trail: [{ kind: "unavailable", code: "worker_lost" }, { provider: "a" }, { provider: "b" }],
    });
  });
});

describe("a rolling deploy", () => {
  test("a job that this release does not know waits for one that does", async () => {
    const stage = newStage();
    const { id } = await stage.client.enqueue({ ...noteJob, name: "brand-new" }, { n: 1 });
    stage.start([scripted("a", [delivered])]);
    expect(await stage.reaches(id, "delayed")).toMatchObject({ attempt: 0, startsSettled: 1, trail: [] });
  });

  test("an envelope of a newer release waits with its data untouched but for the count of starts", async () => {
    const stage = newStage();
    const bare = new Queue("notes", {
      connection: { url: stage.space.redisUrl },
      prefix: stage.family.prefix,
    });
    onTestFinished(() => bare.close());
    const data = { v: 2, startsSettled: 0, future: { list: [] } };
    await bare.add("note", data, { jobId: "newer" });
    stage.start([scripted("a", [delivered])]);
    await stage.reaches("newer", "delayed");
    expect(JSON.parse((await stage.redis.hget(keyOf(stage.family, "name", "newer"), "data")) ?? "")).toEqual({
      ...data,
      startsSettled: 1,
    });
  });
});

describe("closing", () => {
  test("past the deadline a call that had not left goes back without an attempt spent, one that had is of unknown fate", async () => {
    const stage = newStage();
    const untilAborted = async (signal: AbortSignal): Promise<void> =>
      await new Promise((resolve) => {
        signal.addEventListener("abort", () => resolve(), { once: true });
      });
    const link = scripted("a", [
      async (signal) => {
        await untilAborted(signal);
        return failing("withheld", "interrupted", 0);
      },
      async (signal) => {
        await untilAborted(signal);
        return failing("ambiguous", "interrupted");
      },
    ]);
    const runtime = stage.start([link], { queues: [{ name: "notes", concurrency: 2 }], random: () => 0.999 });
    const unsent = await stage.client.enqueue(noteJob, { n: 1 });
    await until("the first call", () => link.calls.length === 1);
    const sent = await stage.client.enqueue(noteJob, { n: 2 });
    await until("the second call", () => link.calls.length === 2);
    await runtime.close({ deadlineMs: 20 });
    expect(await stage.envelopeOf(unsent.id)).toMatchObject({
      attempt: 0,
      startsSettled: 1,
      trail: [{ code: "interrupted" }],
    });
    expect(await stage.envelopeOf(sent.id)).toMatchObject({
      attempt: 1,
      startsSettled: 1,
      trail: [{ kind: "ambiguous" }],
    });
    expect(await stage.redis.llen(keyOf(stage.family, "name", "active"))).toBe(0);
  });
});

describe("a lost lock", () => {
  test("a worker that lost it cannot settle over its successor", async () => {
    const stage = newStage();
    let answer: (() => void) | undefined;
    const slow = scripted("a", [
      async () => {
        await new Promise<void>((resolve) => {
          answer = resolve;
        });
        return failing("rejected", "http_400");
      },
    ]);
    const { id } = await stage.client.enqueue(noteJob, { n: 1 });
    stage.start([slow]);
    await until("the call", () => answer);
    const key = keyOf(stage.family, "name", id);
    await stage.redis.set(`${key}:lock`, "successor");
    const before = await stage.redis.hget(key, "data");
    answer?.();
    await until("the refusal", () =>
      stage.events.some((e) => e.event === "trouble" && /lock/iu.test(e.error.message)),
    );
    expect(await stage.redis.hget(key, "data")).toBe(before);
    expect(await stage.redis.zscore(keyOf(stage.family, "dead", "failed"), id)).toBeNull();
    await stage.redis.del(`${key}:lock`);
  });

  test("nor write a binding", async () => {
    const { redis, family } = newStage();
    const key = keyOf(family, "name", "job-1");
    await redis.hset(key, "data", "old");
    await redis.set(`${key}:lock`, "successor");
    expect(await writeFenced(redis, family, "job-1", "mine", "new")).toBe(false);
    expect(await redis.hget(key, "data")).toBe("old");
    expect(await writeFenced(redis, family, "job-1", "successor", "new")).toBe(true);
    expect(await redis.hget(key, "data")).toBe("new");
  });
});

test("a queue without jobs, and a job without a provider, are refused at start", () => {
  const stage = newStage();
  expect(() => stage.start([])).toThrow(/note needs note\.send, but no provider is on its route/u);
  expect(() =>
    stage.start([scripted("a", [delivered])], { queues: [{ name: "nots", concurrency: 1 }] }),
  ).toThrow(/No job uses the queue nots/u);
});
