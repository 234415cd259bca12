import { keyOf } from "@understudy/queue";
import {
  createBulkhead,
  createCircuitBreaker,
  createLink,
  createRateLimiter,
  type Link,
} from "@understudy/resilience";
import { until } from "@understudy/testkit";
import { describe, expect, test } from "vitest";

import {
  delivered,
  failing,
  newStage,
  noteJob,
  scripted,
  type ScriptedLink,
  type Stage,
} from "./testing/stage.ts";

const now = Date.now;

function gated(link: ScriptedLink, gates: Parameters<typeof createLink>[0]["gates"]): Link {
  const implementation = {
    capability: noteJob.capability,
    idempotency: "none" as const,
    create: () => link.adapter,
  };
  return createLink({ provider: link.provider, implementation, config: {}, gates, timeoutMs: 60_000, now });
}

async function backlog(stage: Stage, jobs: number): Promise<void> {
  await stage.client.enqueueMany(
    noteJob,
    Array.from({ length: jobs }, (_, n) => ({ n })),
  );
}

async function allDelivered(stage: Stage, jobs: number): Promise<void> {
  await until(
    `${jobs} are delivered`,
    async () => (await stage.redis.zcard(keyOf(stage.family, "name", "completed"))) === jobs,
    15_000,
  );
}

function starts(stage: Stage): number {
  return stage.events.filter(({ event }) => event === "settled").length;
}

describe("a backlog is not stirred: fewer than two starts a delivery", () => {
  test("behind a rate limit", async () => {
    const stage = newStage();
    const link = scripted("a", [delivered]);
    await backlog(stage, 300);
    stage.start([gated(link, [createRateLimiter({ now, limits: [{ calls: 200, perMs: 1000 }] })])], {
      queues: [{ name: "notes", concurrency: 50 }],
    });
    await allDelivered(stage, 300);
    expect(link.calls).toHaveLength(300);
    expect(starts(stage)).toBeLessThan(450);
  });

  test("behind a bulkhead", async () => {
    const stage = newStage();
    const link = scripted("a", [
      async () => {
        await new Promise((resolve) => {
          setTimeout(resolve, 5);
        });
        return delivered;
      },
    ]);
    await backlog(stage, 200);
    stage.start([gated(link, [createBulkhead({ now, maxConcurrent: 5 })])], {
      queues: [{ name: "notes", concurrency: 50 }],
    });
    await allDelivered(stage, 200);
    expect(starts(stage)).toBeLessThan(300);
  });

  test("behind a circuit that opens, is probed in vain, and closes", async () => {
    const stage = newStage();
    const down = Array.from({ length: 8 }, () => failing("unavailable", "http_503"));
    const link = scripted("a", [...down, delivered]);
    await backlog(stage, 200);
    const circuit = createCircuitBreaker({
      now,
      options: { minCalls: 5, openMs: 50, maxOpenMs: 100, rampMs: 20 },
    });
    stage.start([gated(link, [circuit])], { queues: [{ name: "notes", concurrency: 20 }] });
    await allDelivered(stage, 200);
    expect(starts(stage)).toBeLessThan(300);
  });
});

describe("a provider that hangs", () => {
  test("holds at most its share of the slots, and those of the others go on", async () => {
    const stage = newStage();
    let out = 0;
    let most = 0;
    const hanging = scripted("a", [
      async (signal) => {
        out += 1;
        most = Math.max(most, out);
        await new Promise((resolve) => {
          signal.addEventListener("abort", resolve, { once: true });
        });
        out -= 1;
        return failing("unavailable", "interrupted");
      },
    ]);
    const well = scripted("b", [delivered]);
    const share = 5;
    const forA = Array.from({ length: 12 }, (_, n) => ({ n }));
    await stage.client.enqueueMany(noteJob, forA, { providers: ["a"] });
    await stage.client.enqueueMany(
      noteJob,
      Array.from({ length: 100 }, (_, n) => ({ n: 100 + n })),
      {
        providers: ["b"],
      },
    );
    const runtime = stage.start(
      [gated(hanging, [createBulkhead({ now, maxConcurrent: share, retryAfterMs: 2000 })]), gated(well, [])],
      { queues: [{ name: "notes", concurrency: share }] },
    );
    await allDelivered(stage, 100);
    expect(well.calls).toHaveLength(100);
    expect(most).toBe(share);
    expect(runtime.running().length).toBeGreaterThanOrEqual(share);
    await runtime.close({ deadlineMs: 0 });
    expect(out).toBe(0);
  });
});
