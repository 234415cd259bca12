import { addCounts, keyOf } from "@understudy/queue";
import { expect, test } from "vitest";

import { clientOf, newStage, noteJob, somebody } from "./testing/stage.ts";

const payload = { to: "ada@example.com", n: 1 };

test("a waiting job waits for a worker, for a paused queue, or for its turn", async () => {
  const stage = newStage();
  const client = clientOf(stage);
  const { id: first } = await client.enqueue(noteJob, payload);
  const { id } = await client.enqueue(noteJob, { ...payload, n: 2 });
  expect(await stage.operator.explain(id)).toMatchObject({
    state: "waiting",
    queue: "notes",
    job: "note",
    sentence: "It waits because no live worker serves the queue notes.",
  });
  await stage.worker({ "test.note": ["a"] });
  expect((await stage.operator.explain(id)).sentence).toContain("1 job before it");
  expect((await stage.operator.explain(first)).sentence).toContain("none before it");
  await stage.operator.pauseQueue("notes", somebody());
  expect(await stage.operator.explain(id)).toMatchObject({
    sentence: "It waits because the queue notes is paused.",
    advice: ["`understudy queues resume notes`"],
  });
});

test("a job that is not due yet says when it is, and one that was redriven by whom", async () => {
  const stage = newStage();
  const { id } = await clientOf(stage).enqueue(noteJob, payload, { delayMs: 3_600_000 });
  const told = await stage.operator.explain(id);
  expect(told).toMatchObject({
    state: "snoozing",
    sentence: expect.stringMatching(/in 60 min\): it was enqueued for then/u),
  });
  expect(told.dueAt).toBeGreaterThan(Date.now());
  await stage.letter("n1");
  await stage.operator.redrive("n1", somebody());
  expect((await stage.operator.explain("n1")).sentence).toMatch(
    /no live worker serves notes: ada has redriven it\.$/u,
  );
});

test("an active job is being run, or its worker was lost", async () => {
  const stage = newStage();
  const { id } = await clientOf(stage).enqueue(noteJob, payload);
  await stage.redis.lmove(
    keyOf(stage.notes, "name", "wait"),
    keyOf(stage.notes, "name", "active"),
    "RIGHT",
    "LEFT",
  );
  expect(await stage.operator.explain(id)).toMatchObject({
    state: "active",
    sentence: expect.stringContaining("was lost"),
  });
  await stage.redis.set(`${keyOf(stage.notes, "name", id)}:lock`, "token");
  expect((await stage.operator.explain(id)).sentence).toBe("A worker is running it now.");
});

test("a completed job says who delivered it, after whom", async () => {
  const stage = newStage();
  const { id } = await clientOf(stage).enqueue(noteJob, payload);
  const key = keyOf(stage.notes, "name", id);
  const envelope = await stage.envelope(id);
  const at = Date.UTC(2026, 10, 24);
  const trail = [
    { kind: "unavailable", code: "http_503", provider: "a", at, durationMs: 1 },
    { kind: "delivered", receipt: {}, final: true, provider: "b", at, durationMs: 7 },
  ];
  await stage.redis.hset(key, "data", JSON.stringify({ ...envelope, trail }));
  await stage.redis.lrem(keyOf(stage.notes, "name", "wait"), 0, id);
  await stage.redis.zadd(keyOf(stage.notes, "name", "completed"), at, id);
  expect(await stage.operator.explain(id)).toMatchObject({
    state: "completed",
    sentence: "b delivered it at 2026-11-24T00:00:00.000Z, in 7 ms, after a answered http_503.",
  });
});

test("a dead job gives its sentence, its prospect and the command; an unknown id says so", async () => {
  const stage = newStage();
  await stage.letter("n1");
  expect(await stage.operator.explain("n1")).toMatchObject({
    state: "dead",
    sentence: "Its only attempt failed: a answered http_503.",
    advice: [expect.stringContaining("It had no effect."), "`understudy dead-letters redrive n1`"],
  });
  expect(await stage.operator.explain("nowhere")).toMatchObject({ state: "absent", trail: [] });
});

test("queues and providers are shown as the fleet tells of them", async () => {
  const stage = newStage();
  await stage.letter("n1", { ago: 5000 });
  await clientOf(stage).enqueue(noteJob, payload);
  await stage.worker({ "test.note": ["a", "b"] });
  const now = Date.now();
  const call = (provider: string, kind: string) =>
    ({ what: "call", provider, capability: "test.note", kind }) as const;
  await addCounts(stage.redis, stage.namespace, {
    counts: [
      { of: call("a", "unavailable"), count: 3 },
      { of: call("a", "ambiguous"), count: 1 },
      { of: call("b", "delivered"), count: 9 },
      { of: call("b", "withheld"), count: 2 },
      { of: { what: "settled", queue: "notes", verdict: "complete" }, count: 60 },
    ],
    errors: [{ provider: "a", code: "http_503", at: now }],
    now,
  });
  expect(await stage.operator.queues()).toMatchObject([
    { name: "notes", waiting: 1, dead: 1, failed: 0, workers: 1, isPaused: false },
  ]);
  const [queue] = await stage.operator.queues();
  expect(queue?.perSecond).toBeGreaterThan(0);
  expect(queue?.oldestDeadMs).toBeGreaterThanOrEqual(5000);
  expect(await stage.operator.providers()).toMatchObject([
    {
      provider: "a",
      lastError: { code: "http_503", at: now },
      capabilities: [{ capability: "test.note", calls: 4, errorRate: 0.75, unknownRate: 0.25 }],
    },
    {
      provider: "b",
      capabilities: [{ capability: "test.note", calls: 9, errorRate: 0, withheld: 2, trafficShare: 1 }],
    },
  ]);
});
