import { setTimeout as sleep } from "node:timers/promises";

import type { Gate } from "@understudy/core";
import { type FaultProxy, newSpace, type Space, startFaultProxy, until } from "@understudy/testkit";
import { Redis } from "ioredis";
import { describe, expect, onTestFinished, test } from "vitest";

import { type Limit, type Measure, measureOf } from "../pace/limit.ts";
import { createRateLimiter } from "../pace/rate-limiter.ts";
import { createRetryBudget } from "../pace/retry-budget.ts";
import type { PaceAsk, PaceStore } from "../pace/store.ts";
import { openPaceStore } from "./pace-store.ts";

const account = { books: "pace", name: "a" } as const;
const look: Omit<PaceAsk, "measures"> = { want: 0, need: 0, back: [], spent: 0, earned: 0, closeForMs: 0 };
const DAY = 86_400_000;

function connect(redisUrl: string): Redis {
  const redis = new Redis(redisUrl, { maxRetriesPerRequest: 1, retryStrategy: () => 50 });
  redis.on("error", () => undefined);
  onTestFinished(() => redis.disconnect());
  return redis;
}

function opened({ redisUrl, namespace }: Space, self?: string): PaceStore {
  return openPaceStore(connect(redisUrl), namespace, self);
}

async function proxied({ redisUrl, namespace }: Space): Promise<{ proxy: FaultProxy; space: Space }> {
  const { hostname: host, port } = new URL(redisUrl);
  const proxy = await startFaultProxy({ host, port: Number(port) });
  onTestFinished(() => proxy.close());
  return { proxy, space: { redisUrl: `redis://127.0.0.1:${proxy.port}`, namespace } };
}

describe("the books on Redis", () => {
  const even: readonly Measure[] = [measureOf({ calls: 20, perMs: 1000 })];
  const daily: readonly Measure[] = [measureOf({ calls: 40, perMs: DAY })];

  test("grant the burst, and then say when there is more", async () => {
    const store = opened(newSpace());
    expect(await store.lease(account, { ...look, measures: even, want: 9, need: 1 })).toMatchObject({
      granted: 2,
      room: 0,
      users: 1,
      left: Infinity,
    });
    const { granted, opensInMs } = await store.lease(account, { ...look, measures: even, want: 9, need: 1 });
    expect([granted, opensInMs > 0 && opensInMs <= 50]).toEqual([0, true]);
  });

  test("count a long window, take back what was not used, and count what was used without asking", async () => {
    const store = opened(newSpace());
    const ask = { ...look, measures: daily, want: 30, need: 1 };
    const first = await store.lease(account, ask);
    expect(first).toMatchObject({ granted: 30, room: 10, left: 10 });
    const back = [{ permits: 25, at: first.at }];
    expect(await store.lease(account, { ...look, measures: daily, back })).toMatchObject({
      granted: 0,
      left: 35,
    });
    expect(await store.lease(account, { ...look, measures: daily, spent: 5 })).toMatchObject({ left: 30 });
    expect(await store.lease(account, ask)).toMatchObject({ granted: 30, room: 0 });
    const full = await store.lease(account, ask);
    expect(full).toMatchObject({ granted: 0, left: 0 });
    expect(full.opensInMs).toBeGreaterThan(DAY);
  });

  test("a call that costs more than the burst goes alone; less than a call needs is not granted", async () => {
    const store = opened(newSpace());
    const ask = { ...look, measures: even, want: 50, need: 50 };
    expect(await store.lease(account, ask)).toMatchObject({ granted: 50 });
    const later = await store.lease(account, { ...look, measures: even, want: 2, need: 2 });
    expect(later.granted).toBe(0);
    expect(later.opensInMs).toBeGreaterThan(2000);
    const few = { ...look, measures: daily, want: 41, need: 41 };
    expect(await store.lease(account, few)).toMatchObject({ granted: 0, room: 40 });
  });

  test("earned first tries make room for retries", async () => {
    const store = opened(newSpace());
    const measures = [{ kind: "count", floor: 2, share: 0.2, perMs: 10_000 }] as const;
    const budget = { books: "budget", name: "a" } as const;
    expect(await store.lease(budget, { ...look, measures, earned: 100, want: 50, need: 1 })).toMatchObject({
      granted: 22,
    });
  });

  test("tell everybody what the provider said, and how many they are", async () => {
    const space = newSpace();
    const [one, other] = [opened(space, "one"), opened(space, "other")];
    const pace = { remaining: 7, resetsInMs: 5000 };
    await one.lease(account, { ...look, measures: even, closeForMs: 2000, pace });
    const told = await other.lease(account, { ...look, measures: even, want: 1, need: 1 });
    expect(told).toMatchObject({ granted: 0, users: 2, pace: { remaining: 7 } });
    expect(told.closedForMs).toBeGreaterThan(1000);
    expect(told.opensInMs).toBe(told.closedForMs);
    // A shorter pause does not end a longer one.
    await one.lease(account, { ...look, measures: even, closeForMs: 10 });
    expect((await other.lease(account, { ...look, measures: even })).closedForMs).toBeGreaterThan(1000);
  });
});

/** Calls as fast as it may, for as long as told; tells when each call was made. */
async function worker(gate: Gate, everyMs: number, untilAt: number, calls: number[]): Promise<void> {
  while (performance.now() < untilAt) {
    const answer = await gate.admit();
    if (answer.ok) {
      calls.push(performance.now());
      answer.settle({ kind: "delivered", receipt: {}, final: true, provider: "a", at: 0, durationMs: 1 });
      await sleep(everyMs);
    } else await sleep(Math.min(answer.retryAfterMs, 100));
  }
}

const limits: readonly Limit[] = [{ calls: 400, perMs: 1000 }];

function limiterOn(store: PaceStore, isReachable = (): boolean => true): Gate {
  return createRateLimiter({ now: Date.now, limits, shared: { store, account: "a", isReachable } });
}

describe("a fleet behind one limit", () => {
  test("10 workers that want twice the limit make as many calls as it allows", async () => {
    const space = newSpace();
    const calls: number[] = [];
    const start = performance.now();
    const gates = Array.from({ length: 10 }, () => limiterOn(opened(space)));
    // 10 workers of 4 slots, 50 ms a call: 800 a second.
    await Promise.all(gates.flatMap((gate) => [1, 2, 3, 4].map(() => worker(gate, 50, start + 3000, calls))));
    const made = calls.filter((at) => at < start + 3000).length;
    expect(made).toBeGreaterThanOrEqual(1200 * 0.97);
    // So short a run begins with a burst, of a tenth of a second; the bench has one that is long.
    expect(made).toBeLessThanOrEqual(1200 * 1.01 + 40);
  });

  test("each keeps to its part while Redis is silent, refused or gone, and comes back", async () => {
    const space = newSpace();
    const { proxy, space: through } = await proxied(space);
    const gates = [1, 2].map(() => limiterOn(opened(through)));
    for (const gate of [...gates, ...gates]) expect(await gate.admit()).toMatchObject({ ok: true });
    for (const trouble of ["silence", "refuse"] as const) {
      if (trouble === "silence") proxy.silence({ deliver: false });
      else proxy.refuse();
      const calls: number[] = [];
      const start = performance.now();
      await Promise.all(gates.flatMap((gate) => [1, 2].map(() => worker(gate, 1, start + 600, calls))));
      const steady = calls.filter((at) => at >= start + 200).length;
      expect(steady).toBeGreaterThan(400 * 0.4 * 0.7);
      expect(steady).toBeLessThan(400 * 0.4 * 1.3);
      await proxy.heal();
      const redis = connect(space.redisUrl);
      const key = `${space.namespace}:{fleet}:pace:a`;
      await redis.del(key);
      await until("the store is asked again", async () => {
        await gates[0]?.admit();
        return (await redis.exists(key)) === 1;
      });
    }
  });

  test("a server that only answers questions is as good as none", async () => {
    const space = newSpace();
    const redis = connect(space.redisUrl);
    const user = space.namespace;
    await redis.call("ACL", "SETUSER", user, "on", "nopass", "~*", "+@all", "-zadd", "-hset");
    const url = new URL(space.redisUrl);
    url.username = user;
    url.password = "x";
    const gate = limiterOn(openPaceStore(connect(url.href), space.namespace));
    expect(await gate.admit()).toMatchObject({ ok: true });
    expect(gate.admit()).not.toBeInstanceOf(Promise);
    await redis.call("ACL", "DELUSER", user);
  });

  test("a fleet's retries keep to its budget", async () => {
    const space = newSpace();
    const gates = Array.from({ length: 5 }, () =>
      createRetryBudget({
        now: Date.now,
        random: () => 0.5,
        shared: { store: opened(space), provider: "a", isReachable: () => true },
      }),
    );
    let retries = 0;
    const end = performance.now() + 1000;
    let firsts = 0;
    while (performance.now() < end) {
      for (const gate of gates) {
        await gate.admit();
        firsts += 1;
        for (let call = 0; call < 3; call += 1)
          if ((await gate.admit({ cost: 1, isRetry: true })).ok) retries += 1;
      }
      await sleep(5);
    }
    expect(retries).toBeGreaterThan(firsts * 0.1);
    expect(retries).toBeLessThanOrEqual(firsts * 0.2 + 10);
  });
});
