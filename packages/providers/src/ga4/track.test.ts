import { analyticsTrack, trackRequest } from "@understudy/core";
import { misbehaving, testProvider } from "@understudy/testkit";
import { describe, expect, test } from "vitest";

import { ga4 } from "./provider.ts";
import { ga4Sandbox } from "./sandbox.ts";
import { track } from "./track.ts";

const at = "2026-11-24T07:00:00.5+02:00";
const request = trackRequest.parse({
  userId: "ada",
  anonymousId: "1234567890.1700000000",
  events: [
    {
      id: "e-1",
      name: "Order placed",
      at,
      properties: {
        value: 10.5,
        "payment method": "card",
        gift: false,
        note: null,
        address: { city: "Graz" },
        items: [{ item_id: "a" }],
      },
    },
    { id: "x".repeat(101), name: "sign_up", at },
  ],
});

const notGoogles = { kind: "ambiguous", code: "malformed_answer" };

testProvider(ga4, {
  capability: analyticsTrack,
  request,
  success: { status: 200, body: "\n" },
  refusal: "No.",
  // Google documents no refusal: a 400 is some proxy's.
  expected: { "status 400": notGoogles },
});

const signal = new AbortController().signal;
const call = { jobId: "sync-1", idempotencyKey: "k", signal };
const configAt = (baseUrl: string) => ga4.config.parse({ ...ga4.sandboxConfig, baseUrl });

/** What is sent of a request. */
async function sentOf(asked: object): Promise<Readonly<Record<string, unknown>>> {
  await using server = await misbehaving({ does: "answer", status: 200 });
  await track.create(configAt(server.url))(trackRequest.parse(asked), call);
  return JSON.parse(server.requests[0]?.body ?? "") as Record<string, unknown>;
}

test("the request is the one Google documents", async () => {
  await using server = await misbehaving({ does: "answer", status: 200 });
  const outcome = await track.create(configAt(`${server.url}/through/a/proxy/`))(request, call);

  expect(outcome).toMatchObject({ kind: "delivered", final: false, receipt: { accepted: 2 } });
  const [sent] = server.requests;
  expect(sent).toMatchObject({
    method: "POST",
    path: "/through/a/proxy/mp/collect?measurement_id=G-SANDBOX&api_secret=understudy-sandbox-secret",
  });
  expect(sent?.headers).toMatchObject({ "content-type": "application/json" });
  expect(JSON.parse(sent?.body ?? "")).toEqual({
    client_id: "1234567890.1700000000",
    user_id: "ada",
    events: [
      {
        name: "Order_placed",
        timestamp_micros: Date.UTC(2026, 10, 24, 5, 0, 0, 500) * 1000,
        params: {
          value: 10.5,
          payment_method: "card",
          gift: "false",
          address: '{"city":"Graz"}',
          items: [{ item_id: "a" }],
          understudy_event_id: "e-1",
          understudy_job_id: "sync-1",
        },
      },
      {
        name: "sign_up",
        timestamp_micros: Date.UTC(2026, 10, 24, 5, 0, 0, 500) * 1000,
        params: {
          understudy_event_id: expect.stringMatching(/^[0-9a-f]{64}$/u),
          understudy_job_id: "sync-1",
        },
      },
    ],
  });
});

test("whose browser nobody knows gets a client id that is always the same, and another person another one", async () => {
  const events = [{ id: "e-1", name: "sign_up", at }];
  const [first, again, other] = await Promise.all([
    sentOf({ userId: "ada", events }),
    sentOf({ userId: "ada", events }),
    sentOf({ userId: "grace", events }),
  ]);
  expect(first).toMatchObject({ user_id: "ada", client_id: expect.stringMatching(/^\d+\.\d+$/u) });
  expect(again).toEqual(first);
  expect(other["client_id"]).not.toBe(first["client_id"]);
  expect(await sentOf({ anonymousId: "cookie-1", events })).not.toHaveProperty("user_id");
});

test.each([200, 204])("%d without a body is Google's answer", async (status) => {
  await using server = await misbehaving({ does: "answer", status, body: "" });
  expect(await track.create(configAt(server.url))(request, call)).toMatchObject({ kind: "delivered" });
});

test.each([
  [200, "OK"],
  [200, '{"validationMessages": []}'],
  [202, ""],
  [201, ""],
])("%d with %j is not", async (status, body) => {
  await using server = await misbehaving({ does: "answer", status, body });
  expect(await track.create(configAt(server.url))(request, call)).toMatchObject(notGoogles);
});

test("the secret in the URL is not repeated when somebody repeats it", async () => {
  const apiSecret = "kept+secret/1";
  const said = `Cannot POST /mp/collect?measurement_id=G-SANDBOX&api_secret=${encodeURIComponent(apiSecret)} or ${apiSecret}`;
  await using server = await misbehaving({ does: "answer", status: 500, body: said });
  const config = ga4.config.parse({ measurementId: "G-SANDBOX", apiSecret, baseUrl: server.url });
  const outcome = await track.create(config)(request, call);
  expect(server.requests[0]?.path).toContain(`api_secret=${encodeURIComponent(apiSecret)}`);
  expect(outcome).toMatchObject({ kind: "ambiguous", code: "http_500" });
  expect(JSON.stringify(outcome)).not.toMatch(/kept.*secret/u);
});

test("there is no batch: a request is about one browser", () => {
  expect(track.batch).toBeUndefined();
});

test("what fits is sent, and what does not is said", async () => {
  await using server = await misbehaving({ does: "answer", status: 204 });
  const events = Array.from({ length: 27 }, (_, n) => ({ id: `e-${n}`, name: n === 3 ? "ga_no" : "ok", at }));
  const outcome = await track.create(configAt(server.url))(
    trackRequest.parse({ userId: "ada", events }),
    call,
  );
  expect(outcome).toMatchObject({
    kind: "delivered",
    receipt: { accepted: 25 },
    undelivered: [
      { item: "e-3", code: "invalid_event", permanent: true },
      { item: "e-26", code: "batch_full", permanent: false },
    ],
  });
  const sent = JSON.parse(server.requests[0]?.body ?? "") as { events: { params: object }[] };
  expect(sent.events).toHaveLength(25);
  expect(JSON.stringify(sent)).not.toMatch(/"e-(?:3|26)"/u);
});

test("of what does not fit at all nothing is sent", async () => {
  await using server = await misbehaving({ does: "answer", status: 204 });
  const asked = trackRequest.parse({ userId: "ada", events: [{ id: "e-1", name: "session_start", at }] });
  expect(await track.create(configAt(server.url))(asked, call)).toMatchObject({
    kind: "rejected",
    code: "invalid_event",
  });
  expect(server.requests).toHaveLength(0);
});

describe("what Google would drop in silence is not accepted", () => {
  const asked = (event: object) =>
    trackRequest.parse({ userId: "ada", events: [{ id: "e-1", name: "sign_up", at, ...event }] });
  const properties = (count: number) => ({
    properties: Object.fromEntries(Array.from({ length: count }, (_, n) => [`p${n}`, n])),
  });

  test.each<[string, object]>([
    ["a name of 40 characters", { name: "x".repeat(40) }],
    ["a name with blanks and punctuation", { name: "Order: placed (again)" }],
    ["23 properties", properties(23)],
    ["a text of 100 characters", { properties: { text: "x".repeat(100) } }],
    ["a long address of a page", { properties: { page_location: "x".repeat(1000) } }],
    ["a property of the name of an event", { properties: { error: "no" } }],
    [
      "23 properties and those that are ours",
      {
        properties: {
          ...properties(23).properties,
          understudy_job_id: "x".repeat(200),
          understudy_event_id: "x".repeat(200),
        },
      },
    ],
  ])("but %s is", (_, event) => {
    expect(track.accepts?.(asked(event))).toBe(true);
  });

  test.each<[string, object]>([
    ["a name of 41 characters", { name: "x".repeat(41) }],
    ["a name that begins with a digit", { name: "2nd order" }],
    ["a name that begins with a blank", { name: " order" }],
    ["a name with a letter of another alphabet", { name: "Bestellung für mich" }],
    ["a reserved name", { name: "session start" }],
    ["a name that begins as Google's own do", { name: "ga_order" }],
    ["24 properties", properties(24)],
    ["a property's name of 41 characters", { properties: { ["x".repeat(41)]: 1 } }],
    ["a property that begins as Google's own do", { properties: { google_id: 1 } }],
    ["a text of 101 characters", { properties: { text: "x".repeat(101) } }],
    ["what is longer than that as JSON", { properties: { address: { street: "x".repeat(100) } } }],
    ["two properties of one name", { properties: { "a b": 1, "a-b": 2 } }],
    ["201 items", { properties: { items: Array.from({ length: 201 }, () => ({ item_id: "a" })) } }],
    [
      "more than 130 kB",
      { properties: { items: Array.from({ length: 200 }, () => ({ item_id: "x".repeat(700) })) } },
    ],
  ])("%s", (_, event) => {
    expect(track.accepts?.(asked(event))).toBe(false);
  });
});

test.each([{ measurementId: "UA-12345-1" }, { measurementId: "G-1&x=y" }, { region: "mars" }])(
  "the configuration %j is refused",
  (wrong) => {
    expect(ga4.config.safeParse({ ...ga4.sandboxConfig, ...wrong }).success).toBe(false);
  },
);

describe("the fake", () => {
  const named = (name: string) => trackRequest.parse({ userId: "ada", events: [{ id: "e-1", name, at }] });

  test("counts an event as often as it comes", async () => {
    const fake = await ga4Sandbox.start();
    const adapter = track.create(ga4.config.parse(fake.config));
    await adapter(named("sign_up"), call);
    await adapter(named("sign_up"), call);
    expect(fake.ledger.effects).toMatchObject([
      { jobId: "sync-1", eventId: "e-1" },
      { jobId: "sync-1", eventId: "e-1" },
    ]);
    await fake.close();
  });

  test.each([
    ["a wrong secret", "sign_up", { apiSecret: "somebody-else" }],
    ["a wrong measurement id", "sign_up", { measurementId: "G-OTHER" }],
    ["an event named refuse-me", "refuse-me", {}],
  ])("takes %s without a word, and keeps nothing", async (_, name, wrong) => {
    const fake = await ga4Sandbox.start();
    const adapter = track.create(ga4.config.parse({ ...fake.config, ...wrong }));
    expect(await adapter(named(name), call)).toMatchObject({ kind: "delivered", final: false });
    expect(fake.ledger.accepted).toBe(0);
    await fake.close();
  });
});
