import { EnqueueError } from "@understudy/client";
import { keyOf } from "@understudy/queue";
import { until } from "@understudy/testkit";
import { expect, test } from "vitest";

import { delivered, newStage, noteJob, payJob, scripted } from "./testing/stage.ts";

test("a schedule makes a job each time, with a life and a key of its own, until it is taken away", async () => {
  const stage = newStage();
  const link = scripted("a", [delivered]);
  stage.start([link]);
  const before = Date.now();
  await stage.client.schedule(noteJob, { n: 7 }, { key: "every-second", cron: "* * * * * *" });
  await until("it ran twice", () => link.calls.length >= 2);
  expect(await stage.client.unschedule(noteJob, "every-second")).toBe(true);
  expect(await stage.client.unschedule(noteJob, "every-second")).toBe(false);

  const [first, second] = link.calls;
  expect(first?.request).toEqual({ n: 7 });
  expect(first?.idempotencyKey).not.toBe(second?.idempotencyKey);
  const envelope = await stage.reaches(first?.jobId ?? "", "completed");
  expect(envelope.lifeStartedAt).toBeGreaterThanOrEqual(before - 1000);
  expect(envelope).toMatchObject({ schedule: "every-second", attempt: 1, idempotencyKey: first?.jobId });
  expect(await stage.redis.zcard(keyOf(stage.family, "name", "delayed"))).toBe(0);
});

test("a time zone decides when it is due", async () => {
  const stage = newStage();
  await stage.client.schedule(
    noteJob,
    { n: 1 },
    { key: "berlin", cron: "0 7 * * *", timeZone: "Europe/Berlin" },
  );
  const [id = ""] = await stage.redis.zrange(keyOf(stage.family, "name", "delayed"), "0", "-1");
  const due = new Date(Number(id.slice(id.lastIndexOf(":") + 1)));
  const inBerlin = new Intl.DateTimeFormat("en-GB", {
    timeZone: "Europe/Berlin",
    hour: "2-digit",
    minute: "2-digit",
  });
  expect(inBerlin.format(due)).toBe("07:00");
});

test("setting a key again replaces its schedule", async () => {
  const stage = newStage();
  await stage.client.schedule(noteJob, { n: 1 }, { key: "k", cron: "0 7 * * *" });
  await stage.client.schedule(noteJob, { n: 2 }, { key: "k", cron: "0 8 * * *" });
  const ids = await stage.redis.zrange(keyOf(stage.family, "name", "delayed"), "0", "-1");
  expect(ids).toHaveLength(1);
  const data = await stage.redis.hget(keyOf(stage.family, "name", ids[0] ?? ""), "data");
  expect(JSON.parse(data ?? "")).toMatchObject({ payload: { n: 2 } });
});

test("two jobs may have schedules of one key: each has ids, and so keys at providers, of its own", async () => {
  const stage = newStage();
  await stage.client.schedule(noteJob, { n: 1 }, { key: "k", cron: "0 7 * * *" });
  await stage.client.schedule(payJob, { n: 2 }, { key: "k", cron: "0 7 * * *" });
  const ids = await stage.redis.zrange(keyOf(stage.family, "name", "delayed"), "0", "-1");
  expect(ids.map((id) => id.replace(/\d+$/u, "")).toSorted()).toEqual(["repeat:note.k:", "repeat:pay.k:"]);
  expect(await stage.client.unschedule(noteJob, "k")).toBe(true);
  expect(await stage.redis.zcard(keyOf(stage.family, "name", "delayed"))).toBe(1);
});

test("setting a schedule as it stands leaves its next job alone, also one that is due and waits for a worker", async () => {
  const stage = newStage();
  const set = async (n: number): Promise<void> =>
    await stage.client.schedule(noteJob, { n }, { key: "k", cron: "* * * * * *" });
  const ids = async (): Promise<readonly string[]> =>
    await stage.redis.zrange(keyOf(stage.family, "name", "delayed"), "0", "-1");
  await set(1);
  const before = await ids();
  await until("it is due", () => Number(before[0]?.split(":").at(-1)) < Date.now());
  await set(1);
  expect(await ids()).toEqual(before);
  const refusal = expect.stringContaining("is due and has not begun");
  await expect(set(2)).rejects.toMatchObject({ code: "option_invalid", message: refusal });
  expect(await ids()).toEqual(before);
});

test("the next job of a schedule is not cancelled by itself: that would end the schedule", async () => {
  const stage = newStage();
  await stage.client.schedule(payJob, { n: 1 }, { key: "k", cron: "0 7 * * *" });
  const [id = ""] = await stage.redis.zrange(keyOf(stage.family, "name", "delayed"), "0", "-1");
  const refusal = expect.stringContaining("unschedule");
  await expect(stage.client.cancel(id, "why")).rejects.toMatchObject({
    code: "option_invalid",
    message: refusal,
  });
});

test.each([
  [{ key: "k", cron: "every day" }, "cron"],
  [{ key: "k", cron: "99 * * * *" }, "99"],
  [{ key: "a:b", cron: "* * * * *" }, "key"],
  [{ key: "k", cron: "* * * * *", timeZone: "Berlin" }, "Berlin"],
])("%j is refused in words", async (options, word) => {
  const stage = newStage();
  const error: unknown = await stage.client
    .schedule(noteJob, { n: 1 }, options)
    .catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(EnqueueError);
  expect(error).toMatchObject({ code: "option_invalid", message: expect.stringContaining(word) });
});
