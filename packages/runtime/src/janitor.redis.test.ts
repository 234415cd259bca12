import { keyOf } from "@understudy/queue";
import { until } from "@understudy/testkit";
import { Queue, Worker } from "bullmq";
import { expect, onTestFinished, test } from "vitest";

import { type Janitor, startJanitor } from "./janitor.ts";
import { delivered, newStage, noteJob, scripted, type Stage } from "./testing/stage.ts";

async function janitorOf(stage: Stage): Promise<Janitor> {
  const janitor = await startJanitor({
    redis: stage.space.redisUrl,
    namespace: stage.space.namespace,
    queues: ["notes"],
    locks: { stalledCheckMs: 100 },
    sweepEveryMs: 20,
    observe: (event) => void stage.events.push(event),
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
  await janitorOf(stage);
  await until(
    "it is given up",
    async () => (await stage.redis.hget(keyOf(stage.family, "name", id), "defa")) !== null,
  );
  const link = scripted("a", [delivered]);
  stage.start([link]);
  await stage.reaches(id, "dead");
  expect(link.calls).toHaveLength(0);
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
