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
  return createLink({ provider: link.provider, implementation, config: {}, gates, timeoutMs: 5000, now });
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
    stage.start([gated(link, [createRateLimiter({ now, limit: { perSecond: 200, burst: 10 } })])], {
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
    const circuit = createCircuitBreaker({ now, options: { minCalls: 5, openMs: 50, maxOpenMs: 100 } });
    stage.start([gated(link, [circuit])], { queues: [{ name: "notes", concurrency: 20 }] });
    await allDelivered(stage, 200);
    expect(starts(stage)).toBeLessThan(300);
  });
});
