import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

import { createClient } from "@understudy/client";
import { searchLetters } from "@understudy/dead-letters";
import { connectWorker, type Family, familyOf, keyOf, readTotals, type Redis } from "@understudy/queue";
import { expect, inject, onTestFinished, test } from "vitest";

import { type Chance, createChance } from "./chance.ts";
import { type Cast, startCast } from "./deaths/cast.ts";
import { dieJob, killJob, QUEUE, type Way } from "./deaths/jobs.ts";
import { form, SETTLE_MS, TEST_MS } from "./form.ts";
import { until } from "./until.ts";

/** How many die of what, and how many processes are killed on top of those that die of it. */
const { deaths, kills } = form<{ readonly deaths: Readonly<Record<Way, number>>; readonly kills: number }>({
  short: { deaths: { thrown: 40, rejected: 40, unparseable: 10, killed: 2, memory: 1 }, kills: 6 },
  long: { deaths: { thrown: 475, rejected: 475, unparseable: 150, killed: 30, memory: 20 }, kills: 50 },
});
const total = Object.values(deaths).reduce((sum, count) => sum + count, 0);

interface Scene {
  readonly redis: Redis;
  readonly family: Family;
  readonly env: Readonly<Record<string, string>>;
  readonly chance: Chance;
}

function openScene(): Scene {
  const namespace = `chaos-${randomUUID().slice(0, 8)}`;
  const redisUrl = inject("redisUrl");
  const redis = connectWorker(redisUrl);
  onTestFinished(() => redis.disconnect());
  // A full heap is reached sooner when it is small.
  const env = { REDIS_URL: redisUrl, NAMESPACE: namespace, NODE_OPTIONS: "--max-old-space-size=64" };
  return { redis, family: familyOf(QUEUE, namespace), env, chance: createChance() };
}

/** @returns the ids of jobs that must die, in an order by chance */
async function enqueueAll({ redis, family, env, chance }: Scene): Promise<readonly string[]> {
  const client = createClient({ redis: env["REDIS_URL"] ?? "", namespace: family.namespace });
  const ways = Object.entries(deaths).flatMap(([way, count]) =>
    Array.from({ length: count }, () => way as Way),
  );
  const shuffled = ways.map((way) => ({ way, at: chance.between(0, 1e9) })).toSorted((a, b) => a.at - b.at);
  const ids: string[] = [];
  for (const { way } of shuffled) {
    const job = way === "killed" || way === "memory" ? killJob : dieJob;
    const { id } = await client.enqueue(job, { way });
    if (way === "unparseable")
      await redis.hset(keyOf(family, "name", id), "data", '{"v":1,"payload":{"way":');
    ids.push(id);
  }
  await client.close();
  return ids;
}

/** Kills one process after the other, at moments of chance, and then lets them come to rest. */
async function killSome(cast: Cast, chance: Chance): Promise<void> {
  for (let killed = 0; killed < kills;) {
    await sleep(chance.between(50, 400));
    if (cast.kill()) killed += 1;
  }
}

const size = (redis: Redis, family: Family, queue: "name" | "dead", set: string): Promise<number> =>
  redis.zcard(keyOf(family, queue, set));

test(
  "jobs that must die are each a dead letter exactly once, whoever is killed meanwhile; redriven, each runs again exactly once",
  async () => {
    const scene = openScene();
    const { redis, family, env, chance } = scene;
    const ids = await enqueueAll(scene);
    const dying = startCast(
      ["worker", "worker", "worker", "janitor", "janitor"],
      { ...env, MODE: "die" },
      chance,
    );
    await killSome(dying, chance);
    await until(
      "all are dead letters",
      async () => (await size(redis, family, "dead", "failed")) === total,
      SETTLE_MS,
    );
    await dying.stop();

    const letters = await redis.zrange(keyOf(family, "dead", "failed"), "0", "-1");
    expect(letters.toSorted()).toEqual(ids.toSorted());
    expect(await size(redis, family, "name", "failed")).toBe(0);
    // Each transfer counts one.
    expect((await readTotals(redis, family))["taken"]).toBe(total);
    const groups = await searchLetters(redis, [family], () => []).groups({});
    expect(groups.reduce((sum, { count }) => sum + count, 0)).toBe(total);
    console.log("deaths", {
      seed: chance.seed,
      total,
      kills,
      ends: dying.ends(),
      groups: groups.map(({ facets, count }) => `${facets.cause} ${count}`),
    });

    await redriveAll(scene, ids);
  },
  2 * TEST_MS,
);

/** What is not JSON cannot be redriven, and stays. */
async function redriveAll({ redis, family, env, chance }: Scene, ids: readonly string[]): Promise<void> {
  const whole = total - deaths.unparseable;
  const redriving = startCast(["redriver", "redriver", "redriver", "janitor"], env, chance);
  await killSome(redriving, chance);
  await until(
    "all are redriven",
    async () => (await size(redis, family, "dead", "failed")) === deaths.unparseable,
    SETTLE_MS,
  );
  await redriving.stop();
  expect((await readTotals(redis, family))["redriven"]).toBe(whole);

  const running = startCast(["worker", "worker"], { ...env, MODE: "deliver" }, chance);
  await until(
    "all have completed",
    async () => (await size(redis, family, "name", "completed")) === whole,
    SETTLE_MS,
  );
  expect(await size(redis, family, "dead", "failed")).toBe(deaths.unparseable);
  await running.stop();
  const delivered = await redis.hgetall(`${family.namespace}:delivered`);
  console.log("redriven", { whole, kills, ends: redriving.ends() });
  expect(Object.keys(delivered)).toHaveLength(whole);
  expect(Object.values(delivered).every((count) => count === "1")).toBe(true);
  expect(Object.keys(delivered).every((id) => ids.includes(id))).toBe(true);
}
