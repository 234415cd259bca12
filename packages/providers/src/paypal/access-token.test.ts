import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import { chargeRequest, type Outcome } from "@understudy/core";
import { type Behaviour, misbehaving } from "@understudy/testkit";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { type RunningSandbox } from "../sandbox/sandbox.ts";
import { charge } from "./charge.ts";
import { paypal } from "./provider.ts";
import { refund } from "./refund.ts";
import { paypalSandbox } from "./sandbox.ts";

const request = chargeRequest.parse({
  amountMinor: 1050,
  currency: "EUR",
  paymentMethod: { paypal: "8kk8451t" },
});
const callOf = (jobId: string, signal = new AbortController().signal) => ({
  jobId,
  idempotencyKey: `${jobId}-g1`,
  signal,
});

/** Stands before the fake and notes what passes. */
interface Door {
  readonly url: string;
  readonly seen: { readonly path: string; readonly authorization: string; readonly key: string }[];
  close(): void;
}

let fake: RunningSandbox;
let door: Door;
beforeEach(async () => {
  fake = await paypalSandbox.start();
  door = await openDoor();
});
afterEach(async () => {
  vi.useRealTimers();
  door.close();
  await fake.close();
});

async function openDoor(): Promise<Door> {
  const seen: { path: string; authorization: string; key: string }[] = [];
  const pass = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of req as AsyncIterable<Buffer>) chunks.push(chunk);
    const { method = "", url = "", headers } = req;
    const authorization = String(headers.authorization);
    const key = String(headers["paypal-request-id"]);
    seen.push({ path: url, authorization, key });
    const answer = await fetch(`${fake.url}${url}`, {
      method,
      headers: { authorization, ...(key !== "undefined" && { "paypal-request-id": key }) },
      body: Buffer.concat(chunks),
    });
    res.writeHead(answer.status, { "content-type": "application/json" });
    res.end(await answer.text());
  };
  const server = createServer((req, res) => void pass(req, res));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${port}`, seen, close };
}

const settings = (baseUrl = door.url) => paypal.config.parse({ ...fake.config, baseUrl });
const tokensAsked = () => door.seen.filter(({ path }) => path === "/v1/oauth2/token").length;

test("concurrent calls of charges and refunds share one token", async () => {
  const config = settings();
  const take = charge.create(config);
  const giveBack = refund.create(config);
  const outcomes = await Promise.all([
    take(request, callOf("order-1")),
    take(request, callOf("order-2")),
    giveBack({ provider: "paypal", chargeId: "C1", amountMinor: 1, currency: "EUR" }, callOf("refund-1")),
  ]);
  expect(outcomes.map(({ kind }) => kind)).toEqual(["delivered", "delivered", "rejected"]);
  expect(tokensAsked()).toBe(1);
  await take(request, callOf("order-3"));
  expect(tokensAsked()).toBe(1);
  expect(door.seen[0]?.authorization).toBe(
    `Basic ${Buffer.from("understudy-client:secret-understudy-sandbox").toString("base64")}`,
  );
});

test("a token is fetched anew a minute before it expires", async () => {
  const take = charge.create(settings());
  await take(request, callOf("order-1"));
  vi.useFakeTimers({ now: Date.now() + 32_330_000, toFake: ["Date"] });
  await take(request, callOf("order-2"));
  expect(tokensAsked()).toBe(1);
  vi.setSystemTime(Date.now() + 20_000);
  await take(request, callOf("order-3"));
  expect(tokensAsked()).toBe(2);
});

test("a cached token that is refused is replaced once, and the charge is asked for again under the same key", async () => {
  const take = charge.create(settings());
  await take(request, callOf("order-1"));
  // Another fake at the same door knows nothing of the tokens of the first.
  await fake.close();
  fake = await paypalSandbox.start();
  expect(await take(request, callOf("order-2"))).toMatchObject({ kind: "delivered" });
  expect(tokensAsked()).toBe(2);
  const orders = door.seen.filter(({ key }) => key === "order-2-g1");
  expect(orders).toHaveLength(2);
  expect(orders[0]?.authorization).not.toBe(orders[1]?.authorization);
  expect(fake.ledger.accepted).toBe(1);
});

describe("without a token nobody is charged", () => {
  const cases: readonly (readonly [string, Behaviour, Partial<Outcome>])[] = [
    [
      "401",
      { does: "answer", status: 401, body: `{"error":"invalid_client"}` },
      { kind: "unavailable", code: "unauthorized" },
    ],
    ["400", { does: "answer", status: 400 }, { kind: "unavailable", code: "http_400" }],
    [
      "429",
      { does: "answer", status: 429, headers: { "retry-after": "7" } },
      { kind: "throttled", code: "rate_limited", retryAfterMs: 7000 },
    ],
    ["500", { does: "answer", status: 500 }, { kind: "unavailable", code: "http_500" }],
    [
      "HTML",
      { does: "answer", status: 200, body: "<html>" },
      { kind: "unavailable", code: "malformed_answer" },
    ],
    ["a reset", { does: "reset" }, { kind: "unavailable", code: "connection_lost" }],
  ];
  test.each(cases)("%s", async (_, behaviour, outcome) => {
    await using server = await misbehaving(behaviour);
    expect(await charge.create(settings(server.url))(request, callOf("order-1"))).toMatchObject(outcome);
    expect(server.requests.map(({ path }) => path)).toEqual(["/v1/oauth2/token"]);
  });

  test("a hang ends at the call's own deadline, and another caller is not cut off by it", async () => {
    await using server = await misbehaving();
    const take = charge.create(settings(server.url));
    const one = new AbortController();
    const other = new AbortController();
    const first = take(request, callOf("order-1", one.signal));
    const second = take(request, callOf("order-2", other.signal));
    await server.received();
    one.abort(new DOMException("late", "TimeoutError"));
    expect(await first).toMatchObject({ kind: "unavailable", code: "timeout" });
    other.abort(new Error("shutting down"));
    expect(await second).toMatchObject({ kind: "withheld", code: "interrupted" });
    expect(server.requests).toHaveLength(1);
  });

  test("what it echoes of the credentials is not repeated", async () => {
    await using server = await misbehaving({ does: "echo", status: 400 });
    const outcome = await charge.create(settings(server.url))(request, callOf("order-1"));
    const detail = "detail" in outcome ? outcome.detail : "";
    expect(detail).toContain("Basic <secret>");
    expect(detail).not.toContain(
      Buffer.from("understudy-client:secret-understudy-sandbox").toString("base64"),
    );
  });
});

test("what PayPal echoes of an access token is not repeated", async () => {
  await charge.create(settings())(request, callOf("order-1"));
  const token = door.seen[1]?.authorization.replace("Bearer ", "") ?? "";
  expect(token).toContain("A21AA");
  await using server = await misbehaving(
    { does: "echo", status: 500 },
    {
      path: "/v1/oauth2/token",
      answer: { status: 200, body: JSON.stringify({ access_token: token, expires_in: 32_400 }) },
    },
  );
  const outcome = await charge.create(settings(server.url))(request, callOf("order-1"));
  expect(outcome).toMatchObject({ kind: "ambiguous", detail: expect.stringContaining("Bearer <secret>") });
  expect(JSON.stringify(outcome)).not.toContain(token);
});
