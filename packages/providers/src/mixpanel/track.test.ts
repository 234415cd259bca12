import { analyticsTrack, type BatchItem, trackRequest } from "@understudy/core";
import { misbehaving, testProvider } from "@understudy/testkit";
import { describe, expect, test } from "vitest";

import { mixpanel } from "./provider.ts";
import { mixpanelSandbox } from "./sandbox.ts";
import { track } from "./track.ts";

const request = trackRequest.parse({
  userId: "ada",
  events: [
    {
      id: "e-1",
      name: "Order placed",
      at: "2026-11-24T07:00:00.5+02:00",
      properties: { total: 10.5, time: "noon", distinct_id: "eve", $insert_id: "mine" },
    },
  ],
});
const imported = (count: number) => ({
  status: 200,
  body: JSON.stringify({ code: 200, num_records_imported: count, status: "OK" }),
});
const refusal = JSON.stringify({ code: 400, error: "malformed request", status: "Bad Request" });

testProvider(mixpanel, { capability: analyticsTrack, request, success: imported(1), refusal });

const signal = new AbortController().signal;
const call = { jobId: "sync-1", idempotencyKey: "k", signal };
const configAt = (baseUrl: string) => mixpanel.config.parse({ ...mixpanel.sandboxConfig, baseUrl });
const batchAt = (baseUrl: string) => track.batch!.create(configAt(baseUrl));

function item(jobId: string, ...ids: readonly string[]): BatchItem<typeof analyticsTrack> {
  const events = ids.map((id) => ({ id, name: "Viewed", at: "2026-11-24T05:00:00Z" }));
  return {
    jobId,
    idempotencyKey: jobId,
    request: trackRequest.parse({ userId: `user of ${jobId}`, events }),
  };
}

interface Sent {
  readonly event: string;
  readonly properties: Readonly<Record<string, unknown>>;
}

/** What is sent of a request: the properties of each event. */
async function propertiesOf(asked: object): Promise<readonly Readonly<Record<string, unknown>>[]> {
  await using server = await misbehaving({ does: "answer", ...imported(1) });
  await track.create(configAt(server.url))(trackRequest.parse(asked), call);
  return (JSON.parse(server.requests[0]?.body ?? "") as readonly Sent[]).map(({ properties }) => properties);
}

test("the request is the one Mixpanel documents, and its own properties are not the caller's", async () => {
  await using server = await misbehaving({ does: "answer", ...imported(1) });
  const outcome = await track.create(configAt(`${server.url}/through/a/proxy/`))(request, call);

  expect(outcome).toMatchObject({ kind: "delivered", final: true, receipt: { accepted: 1 } });
  const [sent] = server.requests;
  expect(sent).toMatchObject({
    method: "POST",
    path: "/through/a/proxy/import?strict=1&project_id=1234567",
  });
  const credentials = "sandbox.service.mp-service-account:understudy-sandbox-secret";
  expect(sent?.headers).toMatchObject({
    authorization: `Basic ${Buffer.from(credentials).toString("base64")}`,
    "content-type": "application/json",
  });
  expect(JSON.parse(sent?.body ?? "")).toEqual([
    {
      event: "Order placed",
      properties: {
        total: 10.5,
        time: Date.UTC(2026, 10, 24, 5, 0, 0, 500),
        distinct_id: "ada",
        $insert_id: "e-1",
        understudy_job_id: "sync-1",
      },
    },
  ]);
});

describe("who it was", () => {
  const events = [{ id: "e-1", name: "Viewed", at: "2026-11-24T05:00:00Z" }];

  test("is the user, else the anonymous one", async () => {
    const [anonymous] = await propertiesOf({ anonymousId: "cookie-1", events });
    expect(anonymous).toMatchObject({ distinct_id: "cookie-1" });
    expect(anonymous).not.toHaveProperty("$device_id");
  });

  test("is both when both are known", async () => {
    const [both] = await propertiesOf({ userId: "ada", anonymousId: "cookie-1", events });
    expect(both).toMatchObject({ distinct_id: "ada", $user_id: "ada", $device_id: "cookie-1" });
  });
});

test.each([
  ["13c0b661-f48b-51cd-ba54-97c5999169c0", true],
  ["E1", true],
  ["x".repeat(37), false],
  ["order 1", false],
  ["Ünlü", false],
  ["none", false],
  ["00000000-0000-0000-0000-000000000000", false],
])("the event id %j fits Mixpanel: %s; else its hash is sent, the same each time", async (id, fits) => {
  const asked = { userId: "ada", events: [{ id, name: "Viewed", at: "2026-11-24T05:00:00Z" }] };
  const [first] = await propertiesOf(asked);
  const [second] = await propertiesOf(asked);
  expect(first?.["$insert_id"]).toEqual(fits ? id : expect.stringMatching(/^[0-9a-f]{36}$/u));
  expect(second).toEqual(first);
});

/** A 400 that has imported `count` events and failed those at these places. */
function partly(count: number, ...failed: readonly { index: number; field?: string; message?: string }[]) {
  const body = { code: 400, error: "some failed", status: "Bad Request", num_records_imported: count };
  return {
    does: "answer",
    status: 400,
    body: JSON.stringify({ ...body, failed_records: failed.map((one) => ({ insert_id: "a", ...one })) }),
  } as const;
}

describe("a batch", () => {
  const items = [item("job-1", "a", "b"), item("job-2", "a"), item("job-3", "c", "d")];

  test("is one request, and each job in it gets its own receipt", async () => {
    await using server = await misbehaving({ does: "answer", ...imported(5) });
    expect(await batchAt(server.url)(items, { signal })).toMatchObject({
      receipt: [2, 1, 2].map((accepted) => ({ kind: "delivered", receipt: { accepted } })),
    });
    const [sent] = server.requests;
    expect(JSON.parse(sent?.body ?? "")).toMatchObject([
      { properties: { $insert_id: "a", distinct_id: "user of job-1", understudy_job_id: "job-1" } },
      { properties: { $insert_id: "b", distinct_id: "user of job-1", understudy_job_id: "job-1" } },
      { properties: { $insert_id: "a", distinct_id: "user of job-2", understudy_job_id: "job-2" } },
      { properties: { $insert_id: "c", distinct_id: "user of job-3", understudy_job_id: "job-3" } },
      { properties: { $insert_id: "d", distinct_id: "user of job-3", understudy_job_id: "job-3" } },
    ]);
    expect(server.requests).toHaveLength(1);
  });

  test("that failed in part says what failed of whose, by its place and not by an id that two jobs share", async () => {
    await using server = await misbehaving(
      partly(
        3,
        { index: 2, field: "properties.time", message: "no time for user of job-2" },
        { index: 4, field: "properties.colour" },
      ),
    );
    expect(await batchAt(server.url)(items, { signal })).toMatchObject({
      kind: "delivered",
      receipt: [
        { kind: "delivered", receipt: { accepted: 2 } },
        { kind: "rejected", code: "invalid_time", detail: "no time for <payload>" },
        {
          kind: "delivered",
          receipt: { accepted: 1 },
          undelivered: [{ item: "d", code: "invalid_event", permanent: true }],
        },
      ],
    });
  });

  test("that was not looked into rejects none of its jobs", async () => {
    await using server = await misbehaving({ does: "answer", status: 400, body: refusal });
    expect(await batchAt(server.url)(items, { signal })).toMatchObject({
      kind: "unavailable",
      code: "batch_refused",
    });
  });
});

test.each([
  ["200 with fewer imported than were sent", { does: "answer", ...imported(0) }],
  ["200 without a number", { does: "answer", status: 200, body: '{"code":200,"status":"OK"}' }],
  ["200 that says 1", { does: "answer", status: 200, body: "1" }],
  ["400 whose numbers do not add up", partly(1, { index: 0 })],
  ["400 for an event that was not sent", partly(0, { index: 1 })],
] as const)("%s is not understood", async (_, behaviour) => {
  await using server = await misbehaving(behaviour);
  expect(await track.create(configAt(server.url))(request, call)).toMatchObject({
    kind: "ambiguous",
    code: "malformed_answer",
  });
});

test("what is larger than Mixpanel takes is not accepted, and does not come about in a batch", () => {
  const withText = (count: number, length: number) =>
    trackRequest.parse({
      userId: "ada",
      events: Array.from({ length: count }, (_, n) => ({
        id: `e-${n}`,
        name: "Viewed",
        at: "2026-11-24T05:00:00Z",
        properties: { text: "x".repeat(length) },
      })),
    });
  expect(track.accepts?.(request)).toBe(true);
  expect(track.accepts?.(withText(1, 999_000))).toBe(true);
  expect(track.accepts?.(withText(1, 1_000_000))).toBe(false);
  expect(track.accepts?.(withText(11, 950_000))).toBe(false);
  expect(track.batch?.weigh?.(withText(300, 10))).toBe(300);
  expect(track.batch?.weigh?.(withText(2, 999_000))).toBeGreaterThan(1998);
});

test.each([
  { username: "a:b" },
  { username: "" },
  { projectId: "my project" },
  { projectId: "1&strict=0" },
  { region: "mars" },
])("the configuration %j is refused", (wrong) => {
  expect(mixpanel.config.safeParse({ ...mixpanel.sandboxConfig, ...wrong }).success).toBe(false);
});

describe("the fake", () => {
  const asked = (...events: readonly (readonly [id: string, name: string])[]) =>
    trackRequest.parse({
      userId: "ada",
      events: events.map(([id, name]) => ({ id, name, at: "2026-11-24T05:00:00Z" })),
    });

  test("imports what is good, names what is not, and drops what comes again", async () => {
    const fake = await mixpanelSandbox.start();
    const adapter = track.create(mixpanel.config.parse(fake.config));
    await adapter(asked(["a", "Viewed"]), call);
    const outcome = await adapter(asked(["a", "Viewed"], ["b", "refuse-me"], ["c", "Viewed"]), call);
    expect(outcome).toMatchObject({
      kind: "delivered",
      receipt: { accepted: 2 },
      undelivered: [{ item: "b", code: "invalid_name", permanent: true }],
    });
    expect(fake.ledger.effects).toMatchObject([
      { jobId: "sync-1", eventId: "a" },
      { jobId: "sync-1", eventId: "c" },
    ]);
    await fake.close();
  });

  test("refuses a person who is nobody", async () => {
    const fake = await mixpanelSandbox.start();
    const nobody = { ...asked(["a", "Viewed"]), userId: "anonymous" };
    expect(await track.create(mixpanel.config.parse(fake.config))(nobody, call)).toMatchObject({
      kind: "rejected",
      code: "invalid_person",
    });
    expect(fake.ledger.accepted).toBe(0);
    await fake.close();
  });
});
