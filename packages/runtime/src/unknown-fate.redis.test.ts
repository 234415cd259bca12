import { keyOf } from "@understudy/queue";
import { until } from "@understudy/testkit";
import { describe, expect, test } from "vitest";

import { delivered, failing, newStage, noteJob, payJob, scripted } from "./testing/stage.ts";

const keyed = { horizonMs: 86_400_000, maxKeyLength: 255 };

describe("effects of unknown fate", () => {
  test("a mail goes on to the next provider, and its trail says that it may arrive twice", async () => {
    const stage = newStage();
    stage.start([scripted("a", [failing("ambiguous", "timeout")]), scripted("b", [delivered])]);
    const { id } = await stage.client.enqueue(noteJob, { n: 1 });
    await stage.reaches(id, "completed");
    await expect
      .poll(() => stage.events)
      .toContainEqual(expect.objectContaining({ event: "settled", jobId: id, mayBeDuplicated: true }));
  });

  test("a mail is not sent a third time when two copies may exist", async () => {
    const stage = newStage();
    const links = ["a", "b", "c"].map((name) => scripted(name, [failing("ambiguous", "timeout")]));
    stage.start(links);
    const { id } = await stage.client.enqueue(noteJob, { n: 1 });
    expect(await stage.reaches(id, "dead")).toMatchObject({ ended: { cause: "ambiguous", effect: "maybe" } });
    expect(links.map(({ calls }) => calls.length)).toEqual([1, 1, 0]);
  });

  test("before a mail goes on, Redis knows of the copy that may exist, should this worker be lost with the next one", async () => {
    const stage = newStage();
    const trailsBefore: unknown[] = [];
    const refused = failing("unavailable", "http_503");
    const noting = (answer: typeof refused) => async () => {
      trailsBefore.push((await stage.envelopeOf(id)).trail);
      return answer;
    };
    const unknown = failing("ambiguous", "timeout");
    const { id } = await stage.client.enqueue(noteJob, { n: 1 });
    stage.start([
      scripted("a", [noting(refused)]),
      scripted("b", [noting(unknown)]),
      scripted("c", [noting(delivered)]),
    ]);
    const { trail } = await stage.reaches(id, "completed");
    expect(trailsBefore).toMatchObject([[], [], [{ provider: "a" }, { provider: "b", code: "timeout" }]]);
    expect(trail.map(({ provider }) => provider)).toEqual(["a", "b", "c"]);
  });

  test("a worker that lost its lock meanwhile does not go on", async () => {
    const stage = newStage();
    const { id } = await stage.client.enqueue(noteJob, { n: 1 });
    const a = scripted("a", [
      async () => {
        await stage.redis.set(`${keyOf(stage.family, "name", id)}:lock`, "a successor");
        return failing("ambiguous", "timeout");
      },
    ]);
    const b = scripted("b", [delivered]);
    stage.start([a, b]);
    await until("the settlement is refused", () => stage.events.some(({ event }) => event === "trouble"));
    expect([a.calls.length, b.calls.length]).toEqual([1, 0]);
  });

  test("a charge stays with its provider until that replays it", async () => {
    const stage = newStage();
    const a = scripted(
      "a",
      [failing("ambiguous", "timeout"), failing("throttled", "http_429", 5), delivered],
      { idempotency: keyed },
    );
    const b = scripted("b", [delivered], { idempotency: keyed });
    stage.start([a, b]);
    const { id } = await stage.client.enqueue(payJob, { n: 1 }, { idempotencyKey: "order-1" });
    const envelope = await stage.reaches(id, "completed");
    expect(envelope.trail.map(({ provider, kind }) => `${provider} ${kind}`)).toEqual([
      "a ambiguous",
      "a throttled",
      "a delivered",
    ]);
    expect([a.calls.length, b.calls.length]).toEqual([3, 0]);
  });

  test("a charge is bound in Redis before anything leaves, and let go when nothing happened", async () => {
    const stage = newStage();
    let boundBefore: unknown;
    const a = scripted(
      "a",
      [
        async () => {
          boundBefore = (await stage.envelopeOf(id)).bound;
          return failing("unavailable", "http_503");
        },
      ],
      { idempotency: keyed },
    );
    const b = scripted("b", [delivered], { idempotency: keyed });
    const { id } = await stage.client.enqueue(payJob, { n: 1 }, { idempotencyKey: "order-2" });
    stage.start([a, b]);
    await stage.reaches(id, "completed");
    expect(boundBefore).toMatchObject({ provider: "a" });
    expect(b.calls).toHaveLength(1);
  });

  test.each([
    ["unavailable", "refused"],
    ["unavailable", "unauthorized"],
    ["unavailable", "forbidden"],
    ["throttled", "http_429"],
  ] as const)("a charge that surely did not happen, %s %s, goes on", async (kind, code) => {
    const stage = newStage();
    const a = scripted("a", [failing(kind, code)], { idempotency: keyed });
    const b = scripted("b", [delivered], { idempotency: keyed });
    stage.start([a, b]);
    const { id } = await stage.client.enqueue(payJob, { n: 1 }, { idempotencyKey: code });
    expect((await stage.reaches(id, "completed")).bound).toMatchObject({ provider: "b" });
    expect([a.calls.length, b.calls.length]).toEqual([1, 1]);
  });

  test("a charge whose provider has left the route waits for it", async () => {
    const stage = newStage();
    const { id } = await stage.client.enqueue(payJob, { n: 1 }, { idempotencyKey: "order-3" });
    const first = stage.start([
      scripted("a", [failing("ambiguous", "in_progress", 500)], { idempotency: keyed }),
    ]);
    await until("the first call", async () =>
      (await stage.envelopeOf(id)).trail.length > 0 ? true : undefined,
    );
    await first.close({ deadlineMs: 100 });
    const other = scripted("b", [delivered], { idempotency: keyed });
    stage.start([other]);
    await until("it was looked at", () =>
      stage.events.some((e) => e.event === "call" && e.code === "provider_missing"),
    );
    expect(other.calls).toHaveLength(0);
  });
});

describe("a bug of ours", () => {
  test("leaves the fate unknown: a charge stays where it was bound", async () => {
    const stage = newStage();
    const a = scripted("a", [], { idempotency: keyed });
    const b = scripted("b", [delivered], { idempotency: keyed });
    const { id } = await stage.client.enqueue(payJob, { n: 1 }, { idempotencyKey: "order-5" });
    stage.start([a, b]);
    expect(await stage.reaches(id, "dead")).toMatchObject({
      bound: { provider: "a" },
      ended: { cause: "ambiguous", effect: "maybe" },
    });
    expect(b.calls).toHaveLength(0);
    await expect.poll(() => stage.events).toContainEqual(expect.objectContaining({ event: "trouble" }));
  });
});

describe("a worker lost in the middle", () => {
  test("is an outcome: the mail is sent again, marked, and the attempt is spent", async () => {
    const stage = newStage();
    const { id } = await stage.client.enqueue(noteJob, { n: 1 });
    await stage.redis.hincrby(keyOf(stage.family, "name", id), "ats", 1);
    stage.start([scripted("a", [delivered])]);
    expect(await stage.reaches(id, "completed")).toMatchObject({
      attempt: 2,
      startsSettled: 2,
      trail: [{ kind: "ambiguous", code: "worker_lost", provider: "unknown" }, { kind: "delivered" }],
    });
    await expect
      .poll(() => stage.events)
      .toContainEqual(expect.objectContaining({ event: "settled", mayBeDuplicated: true }));
  });

  test("is written down before the mail is sent again, should this worker be lost too", async () => {
    const stage = newStage();
    const { id } = await stage.client.enqueue(noteJob, { n: 1 });
    await stage.redis.hincrby(keyOf(stage.family, "name", id), "ats", 1);
    let before: unknown;
    const noting = async () => {
      before = await stage.envelopeOf(id);
      return delivered;
    };
    stage.start([scripted("a", [noting])]);
    await stage.reaches(id, "completed");
    expect(before).toMatchObject({ startsSettled: 1, trail: [{ code: "worker_lost", count: 1 }] });
  });

  test("twice: the mail is held as a dead letter instead of risking a third copy", async () => {
    const stage = newStage();
    const { id } = await stage.client.enqueue(noteJob, { n: 1 });
    await stage.redis.hincrby(keyOf(stage.family, "name", id), "ats", 2);
    const link = scripted("a", [delivered]);
    stage.start([link]);
    expect(await stage.reaches(id, "dead")).toMatchObject({ ended: { cause: "ambiguous", effect: "maybe" } });
    expect(link.calls).toHaveLength(0);
  });

  test("before a charge was bound: nothing can have left, so any provider may be asked", async () => {
    const stage = newStage();
    const { id } = await stage.client.enqueue(payJob, { n: 1 }, { idempotencyKey: "order-4" });
    await stage.redis.hincrby(keyOf(stage.family, "name", id), "ats", 1);
    stage.start([
      scripted("a", [failing("unavailable", "http_503")], { idempotency: keyed }),
      scripted("b", [delivered], { idempotency: keyed }),
    ]);
    expect(await stage.reaches(id, "completed")).toMatchObject({
      trail: [{ kind: "unavailable", code: "worker_lost" }, { provider: "a" }, { provider: "b" }],
    });
  });
});
