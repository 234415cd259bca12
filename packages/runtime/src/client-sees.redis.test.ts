import { createClient } from "@understudy/client";
import { cancelWaiting, keyOf } from "@understudy/queue";
import { until } from "@understudy/testkit";
import { describe, expect, test } from "vitest";

import { delivered, failing, newStage, noteJob, scripted } from "./testing/stage.ts";

describe("what a producer sees of its job", () => {
  test("waiting, and then completed with its receipt and its trail", async () => {
    const stage = newStage();
    const { id } = await stage.client.enqueue(noteJob, { n: 1 });
    expect(await stage.client.status(id)).toMatchObject({
      id,
      state: "waiting",
      queue: "notes",
      job: "note",
      attempts: 0,
      trail: [],
    });
    stage.start([scripted("a", [failing("unavailable", "http_503")]), scripted("b", [delivered])]);
    expect(await stage.client.result(id)).toMatchObject({
      state: "completed",
      attempts: 1,
      receipt: { id: "r1" },
      trail: [
        { provider: "a", code: "http_503" },
        { provider: "b", kind: "delivered" },
      ],
    });
  });

  test("delayed", async () => {
    const stage = newStage();
    const { id } = await stage.client.enqueue(noteJob, { n: 1 }, { delayMs: 60_000 });
    expect(await stage.client.status(id)).toMatchObject({ state: "delayed" });
  });

  test("dead, with why and whether it may have had its effect all the same", async () => {
    const stage = newStage();
    const { id } = await stage.client.enqueue(noteJob, { n: 1 });
    stage.start([
      scripted("a", [failing("ambiguous", "timeout")]),
      scripted("b", [failing("ambiguous", "timeout")]),
    ]);
    expect(await stage.client.result(id)).toMatchObject({
      state: "dead",
      dead: { cause: "ambiguous", effect: "maybe", reason: expect.stringContaining("timeout") },
    });
  });

  test("nothing, for an id that nobody enqueued", async () => {
    const stage = newStage();
    await stage.client.enqueue(noteJob, { n: 1 });
    expect(await stage.client.status("note-unheard-of")).toEqual({ id: "note-unheard-of", state: "absent" });
  });

  test("the state at the end of its patience, when the job takes longer", async () => {
    const stage = newStage();
    const { id } = await stage.client.enqueue(noteJob, { n: 1 });
    expect(await stage.client.result(id, { timeoutMs: 30 })).toMatchObject({ state: "waiting" });
  });

  test("never the payload", async () => {
    const stage = newStage();
    const { id } = await stage.client.enqueue(noteJob, { n: 424_242 });
    expect(JSON.stringify(await stage.client.status(id))).not.toContain("424242");
  });
});

describe("cancelling", () => {
  const untilAborted = async (signal: AbortSignal): Promise<void> =>
    await new Promise((resolve) => {
      signal.addEventListener("abort", () => resolve(), { once: true });
    });

  test("a job that waits: it dies at once and is never run", async () => {
    const stage = newStage();
    const { id } = await stage.client.enqueue(noteJob, { n: 1 });
    const later = await stage.client.enqueue(noteJob, { n: 2 }, { delayMs: 60_000 });
    const urgent = await stage.client.enqueue(noteJob, { n: 3 }, { priority: 1 });
    for (const job of [id, later.id, urgent.id]) {
      expect(await stage.client.cancel(job, "changed my mind")).toMatchObject({
        answer: "cancelled",
        status: {
          state: "dead",
          dead: { cause: "cancelled", effect: "none", reason: "cancelled: changed my mind" },
        },
      });
    }
    const link = scripted("a", [delivered]);
    stage.start([link]);
    const last = await stage.client.enqueue(noteJob, { n: 4 });
    await stage.reaches(last.id, "completed");
    expect(link.calls.map(({ jobId }) => jobId)).toEqual([last.id]);
  });

  test("a job that waits after its worker was lost: it may have had its effect, and that is said", async () => {
    const stage = newStage();
    const { id } = await stage.client.enqueue(noteJob, { n: 1 });
    await stage.redis.hincrby(keyOf(stage.family, "name", id), "ats", 1);
    expect(await stage.client.cancel(id, "why")).toMatchObject({ status: { dead: { effect: "maybe" } } });
  });

  test("a job that was run and lost since it was looked at is not taken for one that never ran", async () => {
    const stage = newStage();
    const { id } = await stage.client.enqueue(noteJob, { n: 1 });
    const key = keyOf(stage.family, "name", id);
    const data = (await stage.redis.hget(key, "data")) ?? "";
    await stage.redis.hincrby(key, "ats", 1);
    const seen = { id, data, cancelled: "{}", reason: "why", now: 1 };
    expect(await cancelWaiting(stage.redis, stage.family, { ...seen, starts: "0" })).toBe(false);
    expect(await cancelWaiting(stage.redis, stage.family, { ...seen, starts: "1" })).toBe(true);
  });

  test.each([
    ["before its request had left: no effect", failing("withheld", "interrupted", 0), "none"],
    ["after its request had left: of unknown effect", failing("ambiguous", "interrupted"), "maybe"],
  ] as const)("a job that runs, on whichever worker, %s", async (_, answer, effect) => {
    const stage = newStage();
    const link = scripted("a", [
      async (signal) => {
        await untilAborted(signal);
        return answer;
      },
    ]);
    stage.start([link]);
    stage.start([link]);
    const { id } = await stage.client.enqueue(noteJob, { n: 1 });
    await until("it runs", () => link.calls.length === 1);
    expect(await stage.client.cancel(id, "stop")).toMatchObject({
      answer: "cancelled",
      status: { dead: { cause: "cancelled", effect, reason: "cancelled: stop" } },
    });
    expect(link.calls).toHaveLength(1);
  });

  test("asked again, as after a lost answer, it says the same; for another reason it is too late", async () => {
    const stage = newStage();
    const { id } = await stage.client.enqueue(noteJob, { n: 1 });
    await stage.client.cancel(id, "why");
    expect(await stage.client.cancel(id, "why")).toMatchObject({ answer: "cancelled" });
    expect(await stage.client.cancel(id, "why not")).toMatchObject({
      answer: "too_late",
      status: { dead: { reason: "cancelled: why" } },
    });
    await expect(stage.client.cancel(id, " ")).rejects.toMatchObject({ code: "option_invalid" });
  });

  test("a job that does not let itself be stopped in time: its worker was asked", async () => {
    const stage = newStage();
    let finish: (() => void) | undefined;
    const deaf = scripted("a", [
      async () => {
        await new Promise<void>((resolve) => {
          finish = resolve;
        });
        return delivered;
      },
    ]);
    stage.start([deaf]);
    const { id } = await stage.client.enqueue(noteJob, { n: 1 });
    await until("it runs", () => finish);
    const impatient = createClient({
      redis: stage.space.redisUrl,
      namespace: stage.space.namespace,
      deadlineMs: 400,
    });
    expect(await impatient.cancel(id, "stop")).toMatchObject({
      answer: "asked",
      status: { state: "active" },
    });
    await impatient.close();
    finish?.();
    expect(await stage.client.result(id)).toMatchObject({ state: "completed" });
  });

  test("a job that has ended: too late; one that never was: absent", async () => {
    const stage = newStage();
    const { id } = await stage.client.enqueue(noteJob, { n: 1 });
    stage.start([scripted("a", [delivered])]);
    await stage.reaches(id, "completed");
    expect(await stage.client.cancel(id, "why")).toMatchObject({
      answer: "too_late",
      status: { state: "completed" },
    });
    expect(await stage.client.cancel("note-unheard-of", "why")).toMatchObject({ answer: "absent" });
  });
});
