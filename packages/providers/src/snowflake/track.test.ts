import { analyticsTrack, type BatchItem, trackRequest } from "@understudy/core";
import { misbehaving, testProvider } from "@understudy/testkit";
import { describe, expect, test } from "vitest";

import { snowflake } from "./provider.ts";
import { snowflakeSandbox } from "./sandbox.ts";
import { track } from "./track.ts";

const at = "2026-11-24T07:00:00.5+02:00";
const request = trackRequest.parse({
  userId: "ada",
  anonymousId: "cookie-1",
  events: [
    {
      id: "e-1",
      name: `it's "quoted"; DROP TABLE events; --`,
      at,
      properties: { total: 10.5, items: ["a"] },
    },
    { id: "e-2", name: "Signed up", at },
  ],
});
const handle = "e4ce975e-f7ff-4b5e-b15e-bf25f59371ae";
const done = (inserted: number) => ({
  status: 200,
  body: JSON.stringify({
    code: "090001",
    sqlState: "00000",
    message: "Statement executed successfully.",
    statementHandle: handle,
    data: [[String(inserted)]],
  }),
});
const refusal = JSON.stringify({ code: "391917", message: "No." });

testProvider(snowflake, {
  capability: analyticsTrack,
  request,
  success: done(2),
  refusal,
  // The statement is ours, and so is what is wrong with it.
  expected: { "status 400": { kind: "unavailable", code: "misconfigured" } },
});

const signal = new AbortController().signal;
const call = { jobId: "sync-1", idempotencyKey: "k", signal };
const configAt = (baseUrl: string, more: object = {}) =>
  snowflake.config.parse({ ...snowflake.sandboxConfig, baseUrl, ...more });

function item(jobId: string, ...ids: readonly string[]): BatchItem<typeof analyticsTrack> {
  const events = ids.map((id) => ({ id, name: "Viewed", at }));
  return {
    jobId,
    idempotencyKey: `${jobId}-g1`,
    request: trackRequest.parse({ userId: `user of ${jobId}`, events }),
  };
}

interface Sent {
  readonly statement: string;
  readonly bindings: { readonly "1": { readonly type: string; readonly value: string } };
}

test("the request is the one Snowflake documents", async () => {
  await using server = await misbehaving({ does: "answer", ...done(2) });
  const config = configAt(`${server.url}/through/a/proxy/`, { role: "UNDERSTUDY" });
  const outcome = await track.create(config)(request, call);

  expect(outcome).toMatchObject({
    kind: "delivered",
    final: true,
    externalId: handle,
    receipt: { accepted: 2 },
  });
  const [sent] = server.requests;
  expect(sent?.method).toBe("POST");
  expect(sent?.path).toMatch(
    /^\/through\/a\/proxy\/api\/v2\/statements\?requestId=[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}&retry=true$/u,
  );
  expect(sent?.headers).toMatchObject({
    authorization: expect.stringMatching(/^Bearer [\w-]+\.[\w-]+\.[\w-]+$/u),
    "x-snowflake-authorization-token-type": "KEYPAIR_JWT",
    accept: "application/json",
    "content-type": "application/json",
    "user-agent": expect.stringMatching(/^understudy\/\d/u),
  });
  expect(JSON.parse(sent?.body ?? "")).toEqual({
    statement: expect.stringContaining(`MERGE INTO "ANALYTICS"."PUBLIC"."EVENTS" AS kept`),
    warehouse: "SANDBOX",
    database: "ANALYTICS",
    schema: "PUBLIC",
    role: "UNDERSTUDY",
    timeout: 10,
    bindings: { "1": { type: "TEXT", value: expect.any(String) } },
  });
});

test("what comes from outside is bound, and never part of the statement", async () => {
  await using server = await misbehaving({ does: "answer", ...done(1) });
  const adapter = track.create(configAt(server.url));
  await adapter(request, call);
  await adapter(item("job-2", "a").request, call);
  const [first, second] = server.requests.map(({ body }) => JSON.parse(body) as Sent);
  expect(first?.statement).toBe(second?.statement);
  expect(first?.statement.match(/\?/gu)).toHaveLength(1);
  expect(first?.statement).not.toContain("DROP");
  expect(JSON.parse(first?.bindings[1].value ?? "")).toEqual([
    {
      id: "e-1",
      name: `it's "quoted"; DROP TABLE events; --`,
      at: "2026-11-24T05:00:00.500Z",
      userId: "ada",
      anonymousId: "cookie-1",
      properties: { total: 10.5, items: ["a"] },
      jobId: "sync-1",
    },
    {
      id: "e-2",
      name: "Signed up",
      at: "2026-11-24T05:00:00.500Z",
      userId: "ada",
      anonymousId: "cookie-1",
      jobId: "sync-1",
    },
  ]);
});

test("the same jobs ask under the same request id, and others under another one", async () => {
  await using server = await misbehaving({ does: "answer", ...done(1) });
  const batch = track.batch!.create(configAt(server.url));
  const [a, b] = [item("job-1", "a"), item("job-2", "b")];
  for (const items of [[a, b], [a, b], [a], [b]]) await batch(items, { signal });
  const ids = server.requests.map(({ path }) => /requestId=([^&]+)/u.exec(path)?.[1]);
  expect(ids[0]).toBe(ids[1]);
  expect(new Set(ids).size).toBe(3);
});

test("a batch is one statement, and each job in it gets its own receipt", async () => {
  await using server = await misbehaving({ does: "answer", ...done(2) });
  const items = [item("job-1", "a", "b"), item("job-2", "a")];
  expect(await track.batch!.create(configAt(server.url))(items, { signal })).toMatchObject({
    kind: "delivered",
    receipt: [
      { kind: "delivered", receipt: { accepted: 2 } },
      { kind: "delivered", receipt: { accepted: 1 } },
    ],
  });
  expect(server.requests).toHaveLength(1);
  const sent = JSON.parse(server.requests[0]?.body ?? "") as Sent;
  expect(JSON.parse(sent.bindings[1].value)).toMatchObject([
    { id: "a", jobId: "job-1", userId: "user of job-1" },
    { id: "b", jobId: "job-1", userId: "user of job-1" },
    { id: "a", jobId: "job-2", userId: "user of job-2" },
  ]);
});

describe("what Snowflake answers", () => {
  const status = { code: "000000", message: "Words.", statementHandle: handle };
  const own = JSON.stringify(status);
  const failure = JSON.stringify({ ...status, code: "002003", sqlState: "42S02" });

  test.each([
    [202, own, "ambiguous", "in_progress"],
    [202, "{}", "ambiguous", "malformed_answer"],
    [200, own, "ambiguous", "malformed_answer"],
    [408, own, "unavailable", "statement_timeout"],
    [408, "<html>Request timed out</html>", "ambiguous", "http_408"],
    [422, failure, "unavailable", "misconfigured"],
    [400, refusal, "unavailable", "misconfigured"],
    [401, '{"code":"390144","message":"JWT token is invalid."}', "unavailable", "unauthorized"],
    [429, '{"code":"390505","message":"Too many requests."}', "throttled", "rate_limited"],
    [503, '{"message":"Service unavailable"}', "ambiguous", "http_503"],
    [504, '{"message":"Gateway timeout"}', "ambiguous", "http_504"],
  ])("%d %s is %s %s, of one job and of many", async (code, body, kind, expected) => {
    await using server = await misbehaving({ does: "answer", status: code, body });
    const batch = track.batch!.create(configAt(server.url));
    expect(await batch([item("job-1", "a")], { signal })).toMatchObject({ kind, code: expected });
    expect(await batch([item("job-1", "a"), item("job-2", "b")], { signal })).toMatchObject({
      kind,
      code: expected,
    });
  });
});

describe("what is not accepted", () => {
  const withText = (count: number, text: string) =>
    trackRequest.parse({
      userId: "ada",
      events: Array.from({ length: count }, (_, n) => ({
        id: `e-${n}`,
        name: "Viewed",
        at,
        properties: { text },
      })),
    });

  test("is what is larger than a statement should be; and none that large comes about in a batch", () => {
    expect(track.accepts?.(withText(9, "x".repeat(110_000)))).toBe(true);
    expect(track.accepts?.(withText(10, "x".repeat(110_000)))).toBe(false);
    expect(track.batch?.weigh?.(withText(9, "x".repeat(110_000)))).toBeGreaterThan(990);
    expect(track.batch?.weigh?.(withText(300, "x"))).toBe(300);
    expect(track.batch?.maxItems).toBe(1000);
  });

  test("is a text that would spoil the batch it is bound in", () => {
    expect(track.accepts?.(withText(1, "Ünïcödé 🎭 \u2028"))).toBe(true);
    expect(track.accepts?.(withText(1, "NUL \0"))).toBe(false);
    expect(track.accepts?.(withText(1, "half of 🎭: \uD83C"))).toBe(false);
  });
});

test.each([
  { table: 'events"; DROP TABLE events; --' },
  { table: "my events" },
  { table: "1st" },
  { database: "" },
  { schema: "public.events" },
  { warehouse: "a".repeat(256) },
  { role: "role'" },
  { account: "https://myorg-myaccount.snowflakecomputing.com" },
  { account: "myorg-myaccount.snowflakecomputing.com" },
  { account: "host.evil.example/path" },
  { account: "myorg/../" },
  { user: 'a"b' },
])("the configuration %j is refused", (wrong) => {
  expect(snowflake.config.safeParse({ ...snowflake.sandboxConfig, ...wrong }).success).toBe(false);
});

describe("the fake", () => {
  test("inserts what is not there yet, and answers a request that comes again as it did the first time", async () => {
    const fake = await snowflakeSandbox.start();
    const batch = track.batch!.create(snowflake.config.parse(fake.config));
    const first = await batch([item("job-1", "a"), item("job-2", "a", "b")], { signal });
    const again = await batch([item("job-1", "a"), item("job-2", "a", "b")], { signal });
    expect(again).toMatchObject({
      kind: "delivered",
      externalId: first.kind === "delivered" ? first.externalId : "",
    });
    await batch([item("job-2", "a", "b")], { signal });
    expect(fake.ledger.effects).toMatchObject([
      { jobId: "job-1", eventId: "a" },
      { jobId: "job-2", eventId: "b" },
    ]);
    await fake.close();
  });

  test.each([
    [{ table: "OTHER" }, "misconfigured"],
    [{ warehouse: "OTHER" }, "misconfigured"],
    [{ user: "somebody" }, "unauthorized"],
    [{ account: "other-account" }, "unauthorized"],
  ])("does not know %j", async (wrong, code) => {
    const fake = await snowflakeSandbox.start();
    const adapter = track.create(snowflake.config.parse({ ...fake.config, ...wrong }));
    expect(await adapter(request, call)).toMatchObject({ kind: "unavailable", code });
    expect(fake.ledger.accepted).toBe(0);
    await fake.close();
  });
});
