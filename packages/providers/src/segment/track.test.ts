import { analyticsTrack, type BatchItem, trackRequest } from "@understudy/core";
import { misbehaving, testProvider } from "@understudy/testkit";
import { describe, expect, test } from "vitest";

import { segment } from "./provider.ts";
import { segmentSandbox } from "./sandbox.ts";
import { track } from "./track.ts";

const request = trackRequest.parse({
  userId: "ada",
  anonymousId: "cookie-1",
  events: [
    {
      id: "e-1",
      name: "Order placed",
      at: "2026-11-24T07:00:00.5+02:00",
      properties: { total: 10.5, items: ["a"] },
    },
    { id: "e-2", name: "Signed up", at: "2026-11-24T05:00:01Z" },
  ],
});
const success = { status: 200, body: '{"success": true}' };
const refusal = JSON.stringify({ success: false, message: "No." });

testProvider(segment, { capability: analyticsTrack, request, success, refusal });

const signal = new AbortController().signal;
const call = { jobId: "sync-1", idempotencyKey: "k", signal };
const configAt = (baseUrl: string) => segment.config.parse({ ...segment.sandboxConfig, baseUrl });
const batchAt = (baseUrl: string) => track.batch!.create(configAt(baseUrl));

function item(jobId: string, ...ids: readonly string[]): BatchItem<typeof analyticsTrack> {
  const events = ids.map((id) => ({ id, name: "Viewed", at: "2026-11-24T05:00:00Z" }));
  return {
    jobId,
    idempotencyKey: jobId,
    request: trackRequest.parse({ userId: `user of ${jobId}`, events }),
  };
}

test("the request is the one Segment documents", async () => {
  await using server = await misbehaving({ does: "answer", ...success });
  const outcome = await track.create(configAt(`${server.url}/through/a/proxy/`))(request, call);

  expect(outcome).toMatchObject({ kind: "delivered", final: false, receipt: { accepted: 2 } });
  const [sent] = server.requests;
  expect(sent).toMatchObject({ method: "POST", path: "/through/a/proxy/v1/batch" });
  expect(sent?.headers).toMatchObject({
    authorization: `Basic ${Buffer.from("understudy-sandbox-write-key:").toString("base64")}`,
    "content-type": "application/json",
  });
  expect(JSON.parse(sent?.body ?? "")).toEqual({
    batch: [
      {
        type: "track",
        messageId: "e-1",
        event: "Order placed",
        userId: "ada",
        anonymousId: "cookie-1",
        timestamp: "2026-11-24T05:00:00.500Z",
        properties: { total: 10.5, items: ["a"] },
        context: { understudy: { jobId: "sync-1" } },
      },
      {
        type: "track",
        messageId: "e-2",
        event: "Signed up",
        userId: "ada",
        anonymousId: "cookie-1",
        timestamp: "2026-11-24T05:00:01.000Z",
        properties: {},
        context: { understudy: { jobId: "sync-1" } },
      },
    ],
  });
});

test("an id that is too long for Segment is sent as its hash, the same each time", async () => {
  await using server = await misbehaving({ does: "answer", ...success });
  const long = item("job-1", "x".repeat(99), "x".repeat(100)).request;
  await track.create(configAt(server.url))(long, call);
  await track.create(configAt(server.url))(long, call);
  const [first, second] = server.requests.map(
    ({ body }) => JSON.parse(body) as { batch: { messageId: string }[] },
  );
  expect(first?.batch.map(({ messageId }) => messageId)).toEqual([
    "x".repeat(99),
    expect.stringMatching(/^[0-9a-f]{64}$/u),
  ]);
  expect(second).toEqual(first);
});

test("a region that Segment does not have is refused", () => {
  expect(segment.config.safeParse({ ...segment.sandboxConfig, region: "mars" }).success).toBe(false);
});

describe("a batch", () => {
  test("is one request, and each job in it gets its own receipt", async () => {
    await using server = await misbehaving({ does: "answer", ...success });
    const outcome = await batchAt(server.url)([item("job-1", "a", "b"), item("job-2", "a")], { signal });
    expect(outcome).toMatchObject({
      kind: "delivered",
      receipt: [
        { kind: "delivered", receipt: { accepted: 2 } },
        { kind: "delivered", receipt: { accepted: 1 } },
      ],
    });
    expect(server.requests).toHaveLength(1);
    expect(JSON.parse(server.requests[0]?.body ?? "")).toMatchObject({
      batch: [
        { messageId: "a", userId: "user of job-1", context: { understudy: { jobId: "job-1" } } },
        { messageId: "b", userId: "user of job-1", context: { understudy: { jobId: "job-1" } } },
        { messageId: "a", userId: "user of job-2", context: { understudy: { jobId: "job-2" } } },
      ],
    });
  });

  test("that is refused rejects none of its jobs, for one of them is to blame; alone it is rejected", async () => {
    await using server = await misbehaving({ does: "answer", status: 400, body: refusal });
    const batch = batchAt(server.url);
    expect(await batch([item("job-1", "a"), item("job-2", "b")], { signal })).toMatchObject({
      kind: "unavailable",
      code: "batch_refused",
    });
    expect(await batch([item("job-1", "a")], { signal })).toMatchObject({
      kind: "rejected",
      code: "http_400",
    });
  });
});

test("a write key that Segment calls invalid is the account's trouble", async () => {
  const body = JSON.stringify({ success: false, message: "An invalid write key was provided" });
  await using server = await misbehaving({ does: "answer", status: 400, body });
  expect(await track.create(configAt(server.url))(request, call)).toMatchObject({
    kind: "unavailable",
    code: "unauthorized",
  });
});

test.each(['{"success": false}', "{}", "", "OK"])("200 with %j is not Segment's success", async (body) => {
  await using server = await misbehaving({ does: "answer", status: 200, body });
  expect(await track.create(configAt(server.url))(request, call)).toMatchObject({
    kind: "ambiguous",
    code: "malformed_answer",
  });
});

describe("what is larger than Segment takes", () => {
  const withProperty = (count: number, length: number) =>
    trackRequest.parse({
      userId: "ada",
      events: Array.from({ length: count }, (_, n) => ({
        id: `e-${n}`,
        name: "Viewed",
        at: "2026-11-24T05:00:00Z",
        properties: { text: "x".repeat(length) },
      })),
    });

  test("is not accepted", () => {
    expect(track.accepts?.(request)).toBe(true);
    expect(track.accepts?.(withProperty(1, 31_000))).toBe(true);
    expect(track.accepts?.(withProperty(1, 32_000))).toBe(false);
    expect(track.accepts?.(withProperty(15, 31_000))).toBe(true);
    expect(track.accepts?.(withProperty(16, 31_000))).toBe(false);
  });

  test("does not come about in a batch: events weigh what they are, or their kilobytes", () => {
    expect(track.batch?.weigh?.(withProperty(10, 1))).toBe(10);
    expect(track.batch?.weigh?.(withProperty(10, 31_000))).toBeGreaterThan(310);
    expect(track.batch?.maxItems).toBeLessThan(500);
  });
});

describe("the fake", () => {
  test("drops an event that comes again, and what it was sent with a wrong key", async () => {
    const fake = await segmentSandbox.start();
    const send = (config: Readonly<Record<string, string>>, ...ids: readonly string[]) =>
      track.create(segment.config.parse(config))(item("job-1", ...ids).request, call);
    await send(fake.config, "a");
    expect(await send(fake.config, "a", "b")).toMatchObject({ kind: "delivered" });
    expect(await send({ ...fake.config, writeKey: "somebody-else" }, "c")).toMatchObject({
      kind: "delivered",
    });
    expect(fake.ledger.effects).toMatchObject([
      { jobId: "sync-1", eventId: "a" },
      { jobId: "sync-1", eventId: "b" },
    ]);
    await fake.close();
  });

  test("refuses what is named refuse-me", async () => {
    const fake = await segmentSandbox.start();
    const events = [{ id: "a", name: "refuse-me", at: "2026-11-24T05:00:00Z" }];
    const outcome = await track.create(segment.config.parse(fake.config))(
      trackRequest.parse({ userId: "ada", events }),
      call,
    );
    expect(outcome).toMatchObject({ kind: "rejected", code: "http_400" });
    expect(fake.ledger.accepted).toBe(0);
    await fake.close();
  });
});
