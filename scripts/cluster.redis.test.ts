import { createClient } from "@understudy/client";
import { openDeadLetters, pruneLetters } from "@understudy/dead-letters";
import { createOperator } from "@understudy/operator";
import {
  addCounts,
  announceWorker,
  connectWorker,
  familyOf,
  readWorkers,
  type Redis,
} from "@understudy/queue";
import type { Link } from "@understudy/resilience";
import { startJanitor, startRuntime } from "@understudy/runtime";
import { beforeAll, expect, onTestFinished, test } from "vitest";

import { deathJobs, dieJob, dying, QUEUE } from "./chaos/deaths/jobs.ts";
import { until } from "./chaos/until.ts";
import { ensureRedis } from "./lib/redis/index.ts";

const namespace = "cluster";
const rejecting: Link = {
  provider: "a",
  idempotency: "none",
  accepts: () => true,
  capacity: () => ({ room: 10, opensAt: 0 }),
  adapter: () =>
    Promise.resolve({ kind: "rejected", code: "http_400", provider: "a", at: Date.now(), durationMs: 1 }),
};
const who = { by: { name: "ada", role: "admin" as const }, reason: "for a test" };
let url: string | undefined;

beforeAll(async () => {
  const { REDIS_URL: _notOurs, ...env } = process.env;
  const handle = await ensureRedis({ cluster: true, env, quiet: true });
  const redis = connectWorker(handle.url);
  // One node that has all slots holds to the rules of a cluster: a script whose keys lie apart is refused.
  const isCluster = await redis.call("CLUSTER", "ADDSLOTSRANGE", "0", "16383").then(
    () => true,
    () => false,
  );
  if (isCluster) {
    await until(
      "the cluster is up",
      async () => String(await redis.call("CLUSTER", "INFO")).includes("state:ok"),
      10_000,
    );
    url = handle.url;
  }
  redis.disconnect();
  return () => handle.stop();
});

test("every script holds to the key rules of a Redis Cluster: run, die, find, plan, redrive, edit, release, discard, prune", async ({
  skip,
}) => {
  if (url === undefined) return skip("no Redis of this machine can be a cluster");
  const redis: Redis = connectWorker(url);
  const client = createClient({ redis: url, namespace });
  const operator = createOperator({ redis: url, namespace, jobs: deathJobs });
  const shared = { redis: url, namespace, observe: () => undefined };
  const runtime = startRuntime({
    ...shared,
    jobs: deathJobs,
    routes: [{ capability: dying, links: [rejecting] }],
    queues: [{ name: QUEUE, concurrency: 2 }],
  });
  const janitor = await startJanitor({ ...shared, jobs: deathJobs, queues: [QUEUE], sweepEveryMs: 50 });
  onTestFinished(async () => {
    await Promise.all([runtime.close({ deadlineMs: 100 }), janitor.close()]);
    await client.close();
    await operator.close();
    redis.disconnect();
  });
  await expect(redis.eval("return redis.call('GET', KEYS[1])", 2, "a", "b")).rejects.toThrow(/CROSSSLOT/u);

  const ids: string[] = [];
  for (let n = 0; n < 5; n += 1) ids.push((await client.enqueue(dieJob, { way: "rejected" })).id);
  const [one = "", two = ""] = ids;
  const dead = async (): Promise<number> => (await operator.groups({})).total;
  await until("all are dead", async () => (await dead()) === 5, 10_000);
  expect((await operator.letters({ provider: ["a"] })).letters).toHaveLength(5);
  expect((await operator.plan({ filter: {} })).fates.safe).toBe(5);
  expect(await operator.edit(one, { way: "thrown" }, who)).toBe("edited");
  expect(await operator.discard(two, who)).toBe("discarded");
  expect(await operator.release(one, who)).toBe("known");
  expect(await operator.lookUp(one, who)).toBe("known");
  await operator.pauseQueue(QUEUE, who);
  expect(await operator.redrive(one, who)).toBe("redriven");
  expect((await operator.explain(one)).sentence).toContain("is paused");
  const run = await operator.start({ action: "redrive", selection: { filter: {} }, perSecond: 100 }, who);
  expect(await operator.drive(run.id)).toMatchObject({ state: "done", done: 3 });
  await operator.resumeQueue(QUEUE, who);
  await until("they are dead again", async () => (await dead()) === 4, 10_000);
  expect(await operator.queues()).toMatchObject([{ name: QUEUE, dead: 4 }]);

  await announceWorker(redis, namespace, {
    id: "w",
    host: "h",
    pid: 1,
    role: "work",
    queues: [],
    routes: {},
    circuits: {},
    startedAt: 1,
  });
  expect(await readWorkers(redis, namespace)).toHaveLength(1);
  await addCounts(redis, namespace, { counts: [], errors: [], now: Date.now() });
  const family = familyOf(QUEUE, namespace);
  const how = { maxLetters: 1, now: Date.now(), isKept: () => false, absorbMs: () => 1000 };
  expect(await pruneLetters(redis, family, how)).toMatchObject({ letters: 3 });
  expect(await openDeadLetters(redis, family).sweep()).toMatchObject({ moved: 0 });
  expect(await operator.verifyAudit()).toMatchObject({ ok: true });
});
