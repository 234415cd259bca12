import { until, startFaultProxy, type FaultProxy } from "@understudy/testkit";
import { describe, expect, onTestFinished, test } from "vitest";

import { delivered, newStage, noteJob, scripted, type Stage } from "./testing/stage.ts";

async function proxyTo(stage: Stage): Promise<FaultProxy & { readonly url: string }> {
  const { hostname, port } = new URL(stage.space.redisUrl);
  const proxy = await startFaultProxy({ host: hostname, port: Number(port) });
  onTestFinished(() => proxy.close());
  return { ...proxy, url: `redis://127.0.0.1:${proxy.port}` };
}

describe("Redis goes away while a provider is being asked", () => {
  test("and is back before the lock runs out: the job is settled once, nothing is open", async () => {
    const stage = newStage();
    const proxy = await proxyTo(stage);
    const link = scripted("a", [
      async () => {
        proxy.refuse();
        return delivered;
      },
    ]);
    const { id } = await stage.client.enqueue(noteJob, { n: 1 });
    stage.start([link], { redis: proxy.url, locks: { lockMs: 10_000, stalledCheckMs: 500 } });
    await until("the trouble is told", () => stage.events.some(({ event }) => event === "trouble"));
    await proxy.heal();
    expect(await stage.reaches(id, "completed")).toMatchObject({
      attempt: 1,
      trail: [{ kind: "delivered" }],
    });
    expect(link.calls).toHaveLength(1);
  });

  test("and a worker that is told to close does not wait for it for ever", async () => {
    const stage = newStage();
    const proxy = await proxyTo(stage);
    const link = scripted("a", [
      async () => {
        proxy.silence({ deliver: false });
        return delivered;
      },
    ]);
    await stage.client.enqueue(noteJob, { n: 1 });
    const runtime = stage.start([link], { redis: proxy.url });
    await until("the call", () => link.calls.length === 1);
    await runtime.close({ deadlineMs: 10 });
    expect(runtime.isReady()).toBe(false);
  });

  test("for longer than the lock lasts: the job is run again, and its trail says that two copies may exist", async () => {
    const stage = newStage();
    const proxy = await proxyTo(stage);
    const link = scripted("a", [
      async () => {
        proxy.refuse();
        return delivered;
      },
      delivered,
    ]);
    const { id } = await stage.client.enqueue(noteJob, { n: 1 });
    stage.start([link], { redis: proxy.url, locks: { lockMs: 1000, stalledCheckMs: 300 } });
    await until(
      "the lock has run out",
      async () =>
        link.calls.length === 1 &&
        (await stage.redis.exists(`${stage.family.prefix}:notes:${id}:lock`)) === 0,
    );
    await proxy.heal();
    const envelope = await stage.reaches(id, "completed");
    expect(envelope.trail).toMatchObject([{ kind: "ambiguous", code: "worker_lost" }, { kind: "delivered" }]);
    expect(link.calls).toHaveLength(2);
    await expect
      .poll(() => stage.events)
      .toContainEqual(
        expect.objectContaining({ event: "settled", verdict: "complete", mayBeDuplicated: true }),
      );
  });
});
