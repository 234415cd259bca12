import { chargeRequest, paymentCharge } from "@understudy/core";
import { misbehaving, testProvider } from "@understudy/testkit";
import { describe, expect, test } from "vitest";

import { carefulOutcomes } from "../payment/testing/expected.ts";
import { stripe } from "./provider.ts";

const request = chargeRequest.parse({
  amountMinor: 1050,
  currency: "EUR",
  paymentMethod: { stripe: "pm_1", square: "ccof:1" },
  customer: { stripe: "cus_1", square: "SQ1" },
  description: "Order 4711",
  metadata: { order: "4711", job_id: "somebody's" },
});
const call = { jobId: "order-7", idempotencyKey: "order-7-g1", signal: new AbortController().signal };
const intent = {
  id: "pi_1",
  object: "payment_intent",
  status: "succeeded",
  amount: 1050,
  currency: "eur",
  client_secret: "pi_1_secret_x",
};
const success = { status: 200, headers: { "request-id": "req_1" }, body: JSON.stringify(intent) };

const refusal = JSON.stringify({ error: { type: "invalid_request_error", message: "Invalid." } });

testProvider(stripe, { capability: paymentCharge, request, success, refusal, expected: carefulOutcomes });

const [implementation] = stripe.adapters;
const adapterAt = (baseUrl: string) =>
  implementation!.create(stripe.config.parse({ ...stripe.sandboxConfig, baseUrl }));
const answerTo = async (status: number, body: unknown) => {
  await using server = await misbehaving({
    does: "answer",
    status,
    headers: { "request-id": "req_1" },
    body: JSON.stringify(body),
  });
  const outcome = await adapterAt(server.url)(request, call);
  expect(server.requests).toHaveLength(1);
  return outcome;
};

test("the request is the one Stripe documents, confirmed at once, under the call's key", async () => {
  await using server = await misbehaving({ does: "answer", ...success });
  const outcome = await adapterAt(`${server.url}/through/a/proxy/`)(request, call);
  expect(outcome).toMatchObject({
    kind: "delivered",
    final: true,
    externalId: "pi_1",
    requestId: "req_1",
    receipt: { status: "captured", chargeId: "pi_1", amountMinor: 1050, currency: "EUR" },
  });
  const [sent] = server.requests;
  expect(sent).toMatchObject({ method: "POST", path: "/through/a/proxy/v1/payment_intents" });
  expect(sent?.headers).toMatchObject({
    authorization: "Bearer sk_test_understudy-sandbox",
    "idempotency-key": "order-7-g1",
    "stripe-version": "2026-10-28.endive",
    "content-type": "application/x-www-form-urlencoded",
  });
  expect(sent?.headers).not.toHaveProperty("x-stripe-client-telemetry");
  expect(Object.fromEntries(new URLSearchParams(sent?.body))).toEqual({
    amount: "1050",
    currency: "eur",
    payment_method: "pm_1",
    customer: "cus_1",
    confirm: "true",
    off_session: "true",
    error_on_requires_action: "false",
    "automatic_payment_methods[enabled]": "true",
    "automatic_payment_methods[allow_redirects]": "never",
    description: "Order 4711",
    "metadata[order]": "4711",
    "metadata[job_id]": "order-7",
  });
});

describe("a payment intent", () => {
  const redirect = { type: "redirect_to_url", redirect_to_url: { url: "https://bank.example/3ds" } };
  test.each([
    ["processing", {}, { status: "pending" }, false],
    ["requires_capture", {}, { status: "pending" }, false],
    [
      "requires_action",
      { next_action: redirect },
      { status: "needs_action", actionUrl: "https://bank.example/3ds" },
      true,
    ],
    [
      "canceled",
      { cancellation_reason: "fraudulent" },
      { status: "declined", declineCode: "fraudulent" },
      true,
    ],
    [
      "requires_payment_method",
      { last_payment_error: { code: "card_declined", decline_code: "lost_card" } },
      { status: "declined", declineCode: "lost_card" },
      true,
    ],
  ])("that is %s is an answer", async (status, more, receipt, final) => {
    expect(await answerTo(200, { ...intent, status, ...more })).toMatchObject({
      kind: "delivered",
      final,
      receipt: { chargeId: "pi_1", ...receipt },
    });
  });

  test.each([
    ["of a status that is not known", { ...intent, status: "dreaming" }],
    ["that nobody confirmed", { ...intent, status: "requires_payment_method" }],
    ["without an id", { ...intent, id: "" }],
    ["in a currency that is none", { ...intent, currency: "xxx" }],
    ["that is something else", { ...intent, object: "charge" }],
  ])("%s is not Stripe's answer", async (_, body) => {
    expect(await answerTo(200, body)).toMatchObject({ kind: "ambiguous", code: "malformed_answer" });
  });
});

describe("an error", () => {
  const card = { type: "card_error", code: "card_declined", message: "Your card was declined." };
  const invalid = { type: "invalid_request_error", message: "No." };

  test.each([
    ["with the bank's reason", { ...card, decline_code: "insufficient_funds" }, "insufficient_funds"],
    ["without one", card, "card_declined"],
    ["of Stripe's own", { ...card, code: "expired_card" }, "expired_card"],
  ])("402 %s is a decline", async (_, error, declineCode) => {
    expect(await answerTo(402, { error })).toMatchObject({
      kind: "delivered",
      final: true,
      requestId: "req_1",
      receipt: { status: "declined", declineCode, amountMinor: 1050, currency: "EUR" },
    });
  });

  test("402 names the failed intent, and a payment that is no card declines by it", async () => {
    const failed = { ...intent, status: "requires_payment_method" };
    const error = { ...invalid, code: "payment_intent_payment_attempt_failed", payment_intent: failed };
    expect(await answerTo(402, { error })).toMatchObject({
      externalId: "pi_1",
      receipt: { status: "declined", declineCode: "payment_intent_payment_attempt_failed" },
    });
    expect(await answerTo(402, { error: invalid })).toMatchObject({ kind: "ambiguous", code: "http_402" });
  });

  test("402 authentication_required needs the customer", async () => {
    const error = {
      ...card,
      code: "authentication_required",
      payment_intent: { ...intent, status: "requires_payment_method" },
    };
    const outcome = await answerTo(402, { error });
    expect(outcome).toMatchObject({ receipt: { status: "needs_action", chargeId: "pi_1" } });
    expect(JSON.stringify(outcome)).not.toContain("secret");
  });

  test.each([
    [409, { ...invalid, code: "idempotency_key_in_use" }, { kind: "ambiguous", code: "in_progress" }],
    [409, { ...invalid, code: "lock_timeout" }, { kind: "ambiguous", code: "http_409" }],
    [400, { ...invalid, type: "idempotency_error" }, { kind: "ambiguous", code: "key_conflict" }],
    [
      400,
      { ...invalid, code: "resource_missing", param: "payment_method" },
      { kind: "unavailable", code: "unknown_token" },
    ],
    [400, { ...invalid, code: "amount_too_small", param: "amount" }, { kind: "rejected", code: "http_400" }],
    [404, invalid, { kind: "unavailable", code: "misconfigured" }],
    [401, invalid, { kind: "unavailable", code: "unauthorized" }],
    [403, invalid, { kind: "unavailable", code: "forbidden" }],
    [429, { ...invalid, code: "rate_limit" }, { kind: "throttled", code: "rate_limited" }],
    [400, { ...invalid, type: "api_error" }, { kind: "ambiguous", code: "http_400" }],
    [424, { ...invalid, type: "api_error" }, { kind: "ambiguous", code: "http_424" }],
    [500, { ...invalid, type: "api_error" }, { kind: "ambiguous", code: "http_500" }],
    [503, { ...invalid, type: "api_error" }, { kind: "ambiguous", code: "http_503" }],
  ])("%d %j is %j", async (status, error, outcome) => {
    expect(await answerTo(status, { error })).toMatchObject({ ...outcome, requestId: "req_1" });
  });

  test("says in a detail what Stripe said, and nothing of the request", async () => {
    const error = {
      ...invalid,
      code: "resource_missing",
      param: "payment_method",
      message: "No such 'pm_1'",
    };
    expect(await answerTo(400, { error })).toMatchObject({
      detail: "resource_missing: payment_method: No such '<payload>'",
    });
  });
});

test("404 that is not Stripe's own proves nothing", async () => {
  expect(await answerTo(404, { message: "no route" })).toMatchObject({ kind: "ambiguous", code: "http_404" });
});

describe("amounts", () => {
  test.each([
    ["EUR", 1050, 1050],
    ["JPY", 1050, 1050],
    ["HUF", 1050, 1050],
    ["MGA", 50_000, 500],
    ["ISK", 500, 50_000],
    ["UGX", 500, 50_000],
    ["KWD", 5120, 5120],
  ])("%s %d goes as %d and comes back the same", async (currency, amountMinor, amount) => {
    await using server = await misbehaving({
      does: "answer",
      status: 200,
      body: JSON.stringify({ ...intent, amount, currency: currency.toLowerCase() }),
    });
    const outcome = await adapterAt(server.url)({ ...request, amountMinor, currency }, call);
    expect(outcome).toMatchObject({ receipt: { amountMinor, currency } });
    expect(new URLSearchParams(server.requests[0]?.body).get("amount")).toBe(String(amount));
  });

  test.each([
    ["KWD", 5124],
    ["MGA", 50_050],
    ["KPW", 100],
  ])("%s %d is what Stripe cannot take", (currency, amountMinor) => {
    expect(implementation?.accepts?.({ ...request, amountMinor, currency })).toBe(false);
  });
});
