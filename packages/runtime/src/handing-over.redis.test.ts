import { keyOf, writeFenced } from "@understudy/queue";
import { until } from "@understudy/testkit";
import { Queue } from "bullmq";
import { describe, expect, onTestFinished, test } from "vitest";

import { delivered, failing, newStage, noteJob, scripted } from "./testing/stage.ts";

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

  test("a start of such a job that was lost with its worker is left for a worker who knows what that means", async () => {
    const stage = newStage();
    const bare = new Queue("notes", {
      connection: { url: stage.space.redisUrl },
      prefix: stage.family.prefix,
    });
    onTestFinished(() => bare.close());
    await bare.add("note", { v: 2, startsSettled: 0 }, { jobId: "newer-and-lost" });
    const key = keyOf(stage.family, "name", "newer-and-lost");
    await stage.redis.hincrby(key, "ats", 1);
    stage.start([scripted("a", [delivered])]);
    await stage.reaches("newer-and-lost", "delayed");
    expect(await stage.redis.hget(key, "ats")).toBe("2");
    expect(JSON.parse((await stage.redis.hget(key, "data")) ?? "")).toMatchObject({ startsSettled: 1 });
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
