import { connectWorker } from "@understudy/queue";
import {
  createLink,
  createRateLimiter,
  createRetryBudget,
  type Link,
  openPaceStore,
} from "@understudy/resilience";
import { until } from "@understudy/testkit";
import { expect, onTestFinished, test } from "vitest";

import {
  delivered,
  failing,
  newStage,
  noteJob,
  scripted,
  type ScriptedLink,
  type Stage,
} from "./testing/stage.ts";

/** Behind what a fleet shares of the account. */
function paced({ space }: Stage, link: ScriptedLink, perSecond?: number): Link {
  const redis = connectWorker(space.redisUrl);
  onTestFinished(() => redis.disconnect());
  const store = openPaceStore(redis, space.namespace);
  const isReachable = (): boolean => true;
  const limits = perSecond === undefined ? [] : [{ calls: perSecond, perMs: 1000 }];
  return createLink({
    provider: link.provider,
    implementation: {
      capability: noteJob.capability,
      idempotency: "none",
      create: () => link.adapter,
    },
    config: {},
    gates: [
      createRetryBudget({
        now: Date.now,
        random: Math.random,
        shared: { store, provider: "a", isReachable },
      }),
      createRateLimiter({ now: Date.now, limits, shared: { store, account: "a", isReachable } }),
    ],
    timeoutMs: 5000,
    now: Date.now,
  });
}

test("jobs behind a shared limit come out in order of priority, and wait without spending an attempt", async () => {
  const stage = newStage();
  const link = scripted("a", [delivered]);
  const ids: string[] = [];
  for (const priority of [3, 2, 1])
    for (let n = 0; n < 15; n += 1) {
      const { id } = await stage.client.enqueue(noteJob, { n: priority * 100 + n }, { priority });
      ids.push(id);
    }
  stage.start([paced(stage, link, 40)], { queues: [{ name: "notes", concurrency: 10 }] });
  await until("all are delivered", () => link.calls.length === ids.length);
  const order = link.calls.map(({ request }) => Math.floor((request as { readonly n: number }).n / 100));
  // Those of another priority may pass while their neighbours are on their way from Redis.
  expect(order.filter((priority, nth) => priority !== Math.floor(nth / 15) + 1).length).toBeLessThanOrEqual(
    4,
  );
  const settled = stage.events.filter(({ event }) => event === "settled");
  expect(settled.length).toBeLessThan(ids.length * 1.5);
  const envelope = await stage.reaches(ids[0] ?? "", "completed");
  // Its delivery, and nothing else.
  expect(envelope.attempt).toBe(1);
});

test("a provider that says later is not asked by anybody before, and no attempt is spent", async () => {
  const stage = newStage();
  const link = scripted("a", [failing("throttled", "http_429", 700), delivered]);
  const times: number[] = [];
  const timed: ScriptedLink = {
    ...link,
    adapter: (...parts) => {
      times.push(Date.now());
      return link.adapter(...parts);
    },
  };
  // Two workers that share nothing but Redis.
  for (let worker = 0; worker < 2; worker += 1)
    stage.start([paced(stage, timed, 50)], { queues: [{ name: "notes", concurrency: 1 }] });
  const { id } = await stage.client.enqueue(noteJob, { n: 1 });
  await until("it was told later", () => times.length === 1);
  await stage.client.enqueue(noteJob, { n: 2 });
  await stage.reaches(id, "completed");
  await until("both are delivered", () => times.length === 3);
  expect(Math.min(...times.slice(1)) - (times[0] ?? 0)).toBeGreaterThanOrEqual(690);
  // Its delivery, and nothing else.
  expect(await stage.envelopeOf(id)).toMatchObject({ attempt: 1 });
});
