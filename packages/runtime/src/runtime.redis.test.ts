import { setTimeout } from "node:timers/promises";

import { keyOf } from "@understudy/queue";
import { until } from "@understudy/testkit";
import { Queue } from "bullmq";
import { describe, expect, onTestFinished, test } from "vitest";

import { delivered, failing, newStage, noteJob, payJob, scripted, tellJob } from "./testing/stage.ts";

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
    expect(log).toEqual([expect.stringMatching(/^\S+ attempt 1 a ✓ delivered in 1 ms → complete$/u)]);
  });

  test("goes to the next provider when the first could not, and says so", async () => {
    const stage = newStage();
    stage.start([scripted("a", [failing("unavailable", "http_503")]), scripted("b", [delivered])]);
    const { id } = await stage.client.enqueue(noteJob, { n: 1 });
    expect(await stage.reaches(id, "completed")).toMatchObject({
      trail: [{ provider: "a", code: "http_503" }, { provider: "b" }],
    });
    await expect
      .poll(() => stage.events)
      .toContainEqual(expect.objectContaining({ event: "failover", from: ["a"], to: "b", jobId: id }));
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
    await expect
      .poll(() => stage.events.filter((e) => e.event === "settled").map((e) => e.verdict))
      .toEqual(["snooze", "snooze", "complete"]);
  });

  test("nothing is fetched while every provider is closed", async () => {
    const stage = newStage();
    let room = 0;
    stage.start([scripted("a", [delivered], { capacity: () => ({ room, opensAt: 0 }) })]);
    const { id } = await stage.client.enqueue(noteJob, { n: 1 });
    await until(
      "the worker has looked",
      async () => (await stage.redis.exists(keyOf(stage.family, "name", "stalled-check"))) === 1,
    );
    expect(await stage.redis.hget(keyOf(stage.family, "name", id), "ats")).toBeNull();
    room = 1;
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
    expect(await stage.redis.lrange(`${key}:logs`, 0, -1)).toEqual([
      expect.stringMatching(/✗ rejected .* → dead letter rejected, effect none$/u),
    ]);
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

  test("is what data becomes that is not even JSON, as it stood", async () => {
    const stage = newStage();
    const { id } = await stage.client.enqueue(noteJob, { n: 1 });
    await stage.redis.hset(keyOf(stage.family, "name", id), "data", '{"v":1,"half');
    stage.start([scripted("a", [delivered])]);
    await until(
      "it is dead",
      async () => (await stage.redis.zscore(keyOf(stage.family, "dead", "failed"), id)) !== null,
    );
    const data = JSON.parse(
      (await stage.redis.hget(keyOf(stage.family, "dead", id), "data")) ?? "",
    ) as unknown;
    expect(data).toMatchObject({ raw: '{"v":1,"half', deadLetter: { cause: "invalid", effect: "maybe" } });
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

test("a part has no parts: what is said about one recipient makes no further jobs", async () => {
  const stage = newStage();
  const undelivered = [{ item: "7", code: "smtp_450", permanent: false }];
  const link = scripted("a", [{ kind: "delivered", receipt: { id: "r1" }, final: true, undelivered }]);
  stage.start([link]);
  const { id } = await stage.client.enqueue(noteJob, { n: 1 });
  await stage.reaches(id, "completed");
  await until("the part was tried", () => link.calls.length === 2);
  await stage.reaches(link.calls[1]?.jobId ?? "", "completed");
  expect(await stage.redis.zcard(keyOf(stage.family, "name", "completed"))).toBe(2);
  expect(await stage.redis.zcard(keyOf(stage.family, "name", "delayed"))).toBe(0);
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
  expect(await stage.redis.hget(keyOf(stage.family, "dead", dead[0] ?? ""), "failedReason")).toBe(
    "undelivered: a refused it for good: smtp_550",
  );
  expect(await stage.envelopeOf(dead[0] ?? "")).toMatchObject({
    only: "8",
    payload: { n: 1 },
    ended: { cause: "undelivered", effect: "none" },
    trail: [],
  });
  expect(link.calls).toHaveLength(2);
});

test("what may have reached a part before is not forgotten: its copies are counted, and its effect is unknown", async () => {
  const stage = newStage();
  const undelivered = [
    { item: "7", code: "smtp_450", permanent: false },
    { item: "8", code: "smtp_550", permanent: true },
  ];
  const a = scripted("a", [failing("ambiguous", "timeout")]);
  const b = scripted("b", [
    { kind: "delivered", receipt: { id: "r1" }, final: true, undelivered },
    delivered,
  ]);
  stage.start([a, b]);
  const { id } = await stage.client.enqueue(noteJob, { n: 1 });
  await stage.reaches(id, "completed");
  await until("the rest was tried", () => a.calls.length + b.calls.length === 3);
  const later = a.calls[1] ?? b.calls[1];
  expect(await stage.reaches(later?.jobId ?? "", "dead")).toMatchObject({
    only: "7",
    trail: [{ provider: "a", kind: "ambiguous" }, { kind: "ambiguous" }],
    ended: { cause: "ambiguous", effect: "maybe" },
  });
  const gone = await until("the part that was refused for good is dead too", async () =>
    (await stage.redis.zrange(keyOf(stage.family, "dead", "failed"), "0", "-1")).find(
      (one) => one !== later?.jobId,
    ),
  );
  expect(await stage.envelopeOf(gone)).toMatchObject({
    only: "8",
    ended: { cause: "undelivered", effect: "maybe" },
  });
});

test("a later job of the same key has parts of its own, though a dead letter of an earlier part still stands", async () => {
  const stage = newStage();
  const undelivered = [{ item: "8", code: "smtp_550", permanent: true }];
  stage.start([scripted("a", [{ kind: "delivered", receipt: { id: "r1" }, final: true, undelivered }])]);
  for (const letters of [1, 2]) {
    const { id, status } = await stage.client.enqueue(noteJob, { n: 1 }, { idempotencyKey: "again" });
    expect(status).toBe("created");
    await stage.reaches(id, "completed");
    await until("the letter", async () => {
      const count = await stage.redis.zcard(keyOf(stage.family, "dead", "failed"));
      return count === letters ? true : undefined;
    });
    // The window in which its receipt stays is over.
    await stage.redis.del(keyOf(stage.family, "name", id));
    await stage.redis.zrem(keyOf(stage.family, "name", "completed"), id);
  }
});

test("what two sinks refuse of the same is told of each", async () => {
  const stage = newStage();
  const undelivered = [{ item: "8", code: "bad_event", permanent: true }];
  const partly = { kind: "delivered", receipt: { id: "r1" }, final: true, undelivered } as const;
  stage.start([scripted("a", [partly]), scripted("b", [partly])]);
  await stage.client.enqueue(tellJob, { n: 1 }, { providers: ["a", "b"] });
  await until("both letters", async () => {
    const count = await stage.redis.zcard(keyOf(stage.family, "dead", "failed"));
    return count === 2 ? true : undefined;
  });
  const ids = await stage.redis.zrange(keyOf(stage.family, "dead", "failed"), "0", "-1");
  const letters = await Promise.all(ids.map((id) => stage.envelopeOf(id)));
  expect(letters.map(({ providers = [] }) => providers.join(",")).toSorted()).toEqual(["a", "b"]);
});

test("what completed stays as long as the longest of its queue, whoever completes after it", async () => {
  const stage = newStage();
  const brief = { ...noteJob, name: "brief", keepCompletedMs: 1000 };
  stage.start([scripted("a", [delivered])], { jobs: [payJob, brief] });
  const { id } = await stage.client.enqueue(payJob, { n: 1 }, { idempotencyKey: "kept" });
  await stage.reaches(id, "completed");
  await setTimeout(2100);
  const { id: later } = await stage.client.enqueue(brief, { n: 1 });
  await stage.reaches(later, "completed");
  expect(await stage.placeOf(id)).toMatchObject({ place: "completed" });
});

test("a queue without jobs, and a job without a provider, are refused at start", () => {
  const stage = newStage();
  expect(() => stage.start([])).toThrow(/note needs note\.send, but no provider is on its route/u);
  expect(() =>
    stage.start([scripted("a", [delivered])], { queues: [{ name: "nots", concurrency: 1 }] }),
  ).toThrow(/No job uses the queue nots/u);
});
