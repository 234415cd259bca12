import { searchLetters } from "@understudy/dead-letters";
import { keyOf } from "@understudy/queue";
import { until } from "@understudy/testkit";
import { Queue, Worker } from "bullmq";
import { expect, onTestFinished, test } from "vitest";

import { type Janitor, type JanitorOptions, startJanitor } from "./janitor.ts";
import { delivered, failing, newStage, noteJob, payJob, scripted, type Stage } from "./testing/stage.ts";

async function janitorOf(stage: Stage, more: Partial<JanitorOptions> = {}): Promise<Janitor> {
  const janitor = await startJanitor({
    redis: stage.space.redisUrl,
    namespace: stage.space.namespace,
    queues: ["notes"],
    locks: { stalledCheckMs: 100 },
    sweepEveryMs: 20,
    observe: (event) => void stage.events.push(event),
    jobs: [noteJob, payJob],
    ...more,
  });
  onTestFinished(() => janitor.close());
  return janitor;
}

test("what lies in the failed set becomes a dead letter, whoever left it there", async () => {
  const stage = newStage();
  const { id } = await stage.client.enqueue(noteJob, { n: 1 });
  const connection = { url: stage.space.redisUrl };
  const bare = new Worker("notes", () => Promise.reject(new Error("boom")), {
    connection,
    prefix: stage.family.prefix,
  });
  await until(
    "it has failed",
    async () => (await stage.redis.zscore(keyOf(stage.family, "name", "failed"), id)) !== null,
  );
  await bare.close();
  await Promise.all([janitorOf(stage), janitorOf(stage)]);
  await stage.reaches(id, "dead");
  expect(JSON.parse((await stage.redis.hget(keyOf(stage.family, "dead", id), "data")) ?? "")).toMatchObject({
    deadLetter: { cause: "stalled", effect: "maybe", reason: "boom" },
  });
});

test("a job that was lost with the last worker is taken up again, though none lives", async () => {
  const stage = newStage();
  const { id } = await stage.client.enqueue(noteJob, { n: 1 });
  const connection = { url: stage.space.redisUrl };
  const lost = new Worker("notes", null, {
    connection,
    prefix: stage.family.prefix,
    lockDuration: 50,
    autorun: false,
  });
  await lost.getNextJob("token");
  await lost.close();
  await stage.reaches(id, "active");
  await janitorOf(stage);
  await stage.reaches(id, "waiting");
  stage.start([scripted("a", [delivered])]);
  expect(await stage.reaches(id, "completed")).toMatchObject({
    trail: [{ code: "worker_lost" }, { kind: "delivered" }],
  });
});

test("a job that keeps taking its workers with it ends as a dead letter, its effect unknown", async () => {
  const stage = newStage();
  const { id } = await stage.client.enqueue(noteJob, { n: 1 });
  await stage.redis.hset(keyOf(stage.family, "name", id), "stc", 3);
  const connection = { url: stage.space.redisUrl };
  const lost = new Worker("notes", null, {
    connection,
    prefix: stage.family.prefix,
    lockDuration: 50,
    autorun: false,
  });
  await lost.getNextJob("token");
  await lost.close();
  // No worker of ours ever sees it again.
  await janitorOf(stage);
  await stage.reaches(id, "dead");
  expect(JSON.parse((await stage.redis.hget(keyOf(stage.family, "dead", id), "data")) ?? "")).toMatchObject({
    deadLetter: { cause: "stalled", effect: "maybe" },
  });
  expect(await stage.client.status(id)).toMatchObject({ dead: { cause: "stalled", effect: "maybe" } });
});

test("a bare queue and the janitor leave what lives alone", async () => {
  const stage = newStage();
  const bare = new Queue("notes", { connection: { url: stage.space.redisUrl }, prefix: stage.family.prefix });
  onTestFinished(() => bare.close());
  await bare.add("note", {}, { jobId: "alive", delay: 60_000 });
  const janitor = await janitorOf(stage);
  await until(
    "it has looked",
    async () => (await stage.redis.exists(keyOf(stage.family, "name", "stalled-check"))) === 1,
  );
  await janitor.close();
  expect(await (await bare.getJob("alive"))?.getState()).toBe("delayed");
});

/** Jobs that BullMQ has started and that no worker holds any more, as a `kill -9` leaves them. */
async function lostJobs(stage: Stage, count: number): Promise<readonly string[]> {
  const connection = { url: stage.space.redisUrl };
  const ids: string[] = [];
  const lost = new Worker("notes", null, {
    connection,
    prefix: stage.family.prefix,
    lockDuration: 50,
    autorun: false,
  });
  for (let n = 0; n < count; n += 1) {
    const { id } = await stage.client.enqueue(noteJob, { n });
    await lost.getNextJob("token");
    ids.push(id);
  }
  await lost.close();
  return ids;
}

test("a job that stalls for ever, and one whose data nobody can parse, are quarantined with no worker alive", async () => {
  const stage = newStage();
  const [poison = "", broken = "", healthy = ""] = await lostJobs(stage, 3);
  const field = (id: string): string => keyOf(stage.family, "name", id);
  await stage.redis.hset(field(poison), "stc", 6);
  await stage.redis.hset(field(broken), "stc", 1, "data", '{"half": ');
  await janitorOf(stage, { locks: { stalledCheckMs: 60_000 } });
  await stage.reaches(poison, "dead");
  await until(
    "the broken one is dead",
    async () => (await stage.redis.exists(keyOf(stage.family, "dead", broken))) === 1,
  );
  expect(
    JSON.parse((await stage.redis.hget(keyOf(stage.family, "dead", broken), "data")) ?? ""),
  ).toMatchObject({
    raw: '{"half": ',
    deadLetter: { cause: "invalid", effect: "maybe", reason: expect.stringContaining("not JSON") },
  });
  expect((await stage.placeOf(healthy)).place).toBe("active");
  expect(stage.events.filter(({ event }) => event === "quarantined")).toHaveLength(2);
});

test("a job that a worker holds is never quarantined, however often it was lost before", async () => {
  const stage = newStage();
  const { id } = await stage.client.enqueue(noteJob, { n: 1 });
  await stage.redis.hset(keyOf(stage.family, "name", id), "stc", 9);
  const holding = new Worker("notes", null, {
    connection: { url: stage.space.redisUrl },
    prefix: stage.family.prefix,
    lockDuration: 60_000,
    autorun: false,
  });
  onTestFinished(() => holding.close());
  await holding.getNextJob("token");
  await janitorOf(stage);
  await until("two rounds", () => stage.events.filter(({ event }) => event === "measured").length >= 2);
  expect((await stage.placeOf(id)).place).toBe("active");
});

/** Dead letters, the oldest first. */
async function letters(stage: Stage, count: number): Promise<readonly string[]> {
  const runtime = stage.start([
    scripted(
      "a",
      Array.from({ length: count }, () => failing("rejected", "http_400")),
    ),
  ]);
  const ids: string[] = [];
  for (let n = 0; n < count; n += 1) {
    const { id } = await stage.client.enqueue(noteJob, { n });
    await stage.reaches(id, "dead");
    ids.push(id);
  }
  await runtime.close({ deadlineMs: 100 });
  return ids;
}

test("the oldest dead letters beyond the bound are deleted, counted and told, and a repeated enqueue is still absorbed", async () => {
  const stage = newStage();
  const ids = await letters(stage, 4);
  await janitorOf(stage, { retention: { maxLetters: 2 } });
  const told = await until("it is told", () => stage.events.find(({ event }) => event === "pruned"));
  expect(told).toMatchObject({ queue: "notes", letters: 2, age: 0, bytes: 0, kept: 0 });
  expect(await stage.redis.zrange(keyOf(stage.family, "dead", "failed"), "0", "-1")).toEqual(ids.slice(2));
  const key = keyOf(stage.family, "name", ids[0] ?? "");
  expect(await stage.redis.pttl(key)).toBeGreaterThan(0);
  await until("the figures follow", () =>
    stage.events.some(
      (event) => event.event === "measured" && event.dead === 2 && event.failedWithoutLetter === 0,
    ),
  );
});

test("money of unknown fate stays whatever the bounds are", async () => {
  const stage = newStage();
  stage.start([scripted("a", [failing("ambiguous", "timeout")], { idempotency: "none" })]);
  const { id } = await stage.client.enqueue(payJob, { n: 1 }, { idempotencyKey: "order-1" });
  await stage.reaches(id, "dead");
  await janitorOf(stage, {
    retention: { maxLetters: 0, maxAgeMs: 0, maxBytes: 0 },
    now: () => Date.now() + 1e9,
  });
  await until("it has looked", () => stage.events.some(({ event }) => event === "measured"));
  expect((await stage.placeOf(id)).place).toBe("dead");
});

test("a letter that a foreign tool has retried comes back, and an index that it has damaged is mended", async () => {
  const stage = newStage();
  const [retried = "", deleted = "", kept = ""] = await letters(stage, 3);
  const bare = new Queue("notes.dead", {
    connection: { url: stage.space.redisUrl },
    prefix: stage.family.prefix,
  });
  onTestFinished(() => bare.close());
  await (await bare.getJob(retried))?.retry("failed");
  await (await bare.getJob(deleted))?.remove();
  await janitorOf(stage);
  await stage.reaches(retried, "dead");
  await until("the index is mended", () =>
    stage.events.some((event) => event.event === "mended" && event.what === "index"),
  );
  const search = searchLetters(stage.redis, [stage.family], () => []);
  await until("it counts those that are there", async () => {
    const groups = await search.groups({});
    return groups.length === 1 && groups[0]?.count === 2;
  });
  expect(await stage.redis.hget(keyOf(stage.family, "dead", retried), "failedReason")).toContain("rejected");
  expect((await stage.placeOf(kept)).place).toBe("dead");
});

test("what nobody can read stays whatever the bounds are, and its id stays taken", async () => {
  const stage = newStage();
  const [id = ""] = await letters(stage, 1);
  await stage.redis.hset(keyOf(stage.family, "dead", id), "data", '{"deadLetter":{"v":2},"payload":{}}');
  await janitorOf(stage, { retention: { maxLetters: 0, maxAgeMs: 0 }, now: () => Date.now() + 1e9 });
  await until("two rounds", () => stage.events.filter(({ event }) => event === "measured").length >= 2);
  expect(await stage.redis.zcard(keyOf(stage.family, "dead", "failed"))).toBe(1);
  expect(await stage.redis.exists(keyOf(stage.family, "name", id))).toBe(1);
});

test("failed ids whose jobs something foreign has deleted hold up nothing, and go", async () => {
  const stage = newStage();
  const failed = keyOf(stage.family, "name", "failed");
  await stage.redis.zadd(failed, ...Array.from({ length: 150 }, (_, n) => [n, `ghost-${n}`]).flat());
  await stage.redis.hset(keyOf(stage.family, "name", "bare"), {
    name: "note",
    data: "{}",
    failedReason: "boom",
  });
  await stage.redis.zadd(failed, 1000, "bare");
  await janitorOf(stage);
  await until(
    "the real one is a letter",
    async () => (await stage.redis.zscore(keyOf(stage.family, "dead", "failed"), "bare")) !== null,
  );
  await expect.poll(() => stage.redis.zcard(failed)).toBe(0);
});

test("a letter that a foreign tool deletes leaves its id taken for a day, and not for ever", async () => {
  const stage = newStage();
  const [id = ""] = await letters(stage, 2);
  const bare = new Queue("notes.dead", {
    connection: { url: stage.space.redisUrl },
    prefix: stage.family.prefix,
  });
  onTestFinished(() => bare.close());
  await (await bare.getJob(id))?.remove();
  await janitorOf(stage);
  await expect.poll(() => stage.redis.pttl(keyOf(stage.family, "name", id))).toBeGreaterThan(0);
});
