import { chargeRequest, paymentCharge } from "@understudy/core";
import { misbehaving, testProvider } from "@understudy/testkit";
import { describe, expect, test } from "vitest";

import { carefulOutcomes } from "../payment/testing/expected.ts";
import { square } from "./provider.ts";

const request = chargeRequest.parse({
  amountMinor: 1050,
  currency: "EUR",
  paymentMethod: { square: "ccof:1", stripe: "pm_1" },
  customer: { square: "C1" },
  description: "Order 4711",
});
const call = { jobId: "order-7", idempotencyKey: "order-7-g1", signal: new AbortController().signal };
const payment = { id: "p1", status: "COMPLETED", amount_money: { amount: 1050, currency: "EUR" } };
const success = { status: 200, body: JSON.stringify({ payment }) };

const refusal = JSON.stringify({
  errors: [{ category: "INVALID_REQUEST_ERROR", code: "BAD_REQUEST", detail: "Invalid." }],
});

testProvider(square, { capability: paymentCharge, request, success, refusal, expected: carefulOutcomes });

const [implementation] = square.adapters;
const adapterAt = (baseUrl: string, more: object = {}) =>
  implementation!.create(square.config.parse({ ...square.sandboxConfig, ...more, baseUrl }));
const answerTo = async (status: number, body: unknown) => {
  await using server = await misbehaving({ does: "answer", status, body: JSON.stringify(body) });
  const outcome = await adapterAt(server.url)(request, call);
  expect(server.requests).toHaveLength(1);
  return outcome;
};

test("the request is the one Square documents, with the key in its body", async () => {
  await using server = await misbehaving({ does: "answer", ...success });
  const outcome = await adapterAt(`${server.url}/through/a/proxy/`, { locationId: "L1" })(request, call);
  expect(outcome).toMatchObject({
    kind: "delivered",
    final: true,
    externalId: "p1",
    receipt: { status: "captured", chargeId: "p1", amountMinor: 1050, currency: "EUR" },
  });
  const [sent] = server.requests;
  expect(sent).toMatchObject({ method: "POST", path: "/through/a/proxy/v2/payments" });
  expect(sent?.headers).toMatchObject({
    authorization: "Bearer EAAA-understudy-sandbox",
    "square-version": "2026-09-16",
    "content-type": "application/json",
  });
  expect(JSON.parse(sent?.body ?? "")).toEqual({
    source_id: "ccof:1",
    idempotency_key: "order-7-g1",
    amount_money: { amount: 1050, currency: "EUR" },
    autocomplete: true,
    customer_id: "C1",
    location_id: "L1",
    reference_id: "order-7",
    note: "Order 4711 [job order-7]",
  });
});

test("a job's id that is too long goes as its digest, and whole in the note", async () => {
  await using server = await misbehaving({ does: "answer", ...success });
  const jobId = `charge-card-${"a".repeat(64)}`;
  await adapterAt(server.url)({ ...request, description: undefined }, { ...call, jobId });
  const sent = JSON.parse(server.requests[0]?.body ?? "") as { reference_id: string; note: string };
  expect(sent.reference_id).toMatch(/^[0-9a-f]{40}$/u);
  expect(sent.note).toBe(`[job ${jobId}]`);
});

describe("a payment", () => {
  const errors = [{ category: "PAYMENT_METHOD_ERROR", code: "CVV_FAILURE" }];
  test.each([
    ["APPROVED", {}, { status: "pending" }, false],
    ["PENDING", {}, { status: "pending" }, false],
    ["FAILED", { card_details: { errors } }, { status: "declined", declineCode: "CVV_FAILURE" }, true],
    ["CANCELED", {}, { status: "declined", declineCode: "CANCELED" }, true],
  ])("that is %s is an answer", async (status, more, receipt, final) => {
    expect(await answerTo(200, { payment: { ...payment, status, ...more } })).toMatchObject({
      kind: "delivered",
      final,
      receipt: { chargeId: "p1", ...receipt },
    });
  });

  test.each([
    ["of a status that is not known", { payment: { ...payment, status: "DREAMING" } }],
    ["without an id", { payment: { ...payment, id: "" } }],
    ["that is not there", {}],
  ])("%s is not Square's answer", async (_, body) => {
    expect(await answerTo(200, body)).toMatchObject({ kind: "ambiguous", code: "malformed_answer" });
  });
});

describe("an error", () => {
  const method = { category: "PAYMENT_METHOD_ERROR" };
  const invalid = { category: "INVALID_REQUEST_ERROR" };
  const api = { category: "API_ERROR" };

  test.each([400, 402])("%d of the payment method is a decline", async (status) => {
    const errors = [
      { ...method, code: "INSUFFICIENT_FUNDS" },
      { ...method, code: "GENERIC_DECLINE" },
    ];
    expect(await answerTo(status, { errors, payment: { ...payment, status: "FAILED" } })).toMatchObject({
      kind: "delivered",
      final: true,
      externalId: "p1",
      receipt: { status: "declined", declineCode: "INSUFFICIENT_FUNDS", amountMinor: 1050, currency: "EUR" },
    });
    expect(await answerTo(status, { errors })).toMatchObject({ receipt: { status: "declined" } });
  });

  test("that asks for the customer needs action", async () => {
    const errors = [{ ...method, code: "CARD_DECLINED_VERIFICATION_REQUIRED" }];
    expect(await answerTo(400, { errors, payment: { ...payment, status: "FAILED" } })).toMatchObject({
      receipt: { status: "needs_action", chargeId: "p1" },
    });
    expect(await answerTo(400, { errors })).toMatchObject({ receipt: { status: "declined" } });
  });

  test.each([
    [400, { ...invalid, code: "IDEMPOTENCY_KEY_REUSED" }, "ambiguous", "key_conflict"],
    [409, { ...invalid, code: "CONFLICT" }, "ambiguous", "in_progress"],
    [404, { ...invalid, code: "NOT_FOUND" }, "unavailable", "unknown_token"],
    [400, { ...invalid, code: "CUSTOMER_NOT_FOUND" }, "unavailable", "unknown_token"],
    // Who used it may have been this very charge.
    [400, { ...method, code: "CARD_TOKEN_USED" }, "unavailable", "token_used"],
    [400, { ...method, code: "CARD_TOKEN_EXPIRED" }, "unavailable", "token_expired"],
    [400, { ...invalid, code: "VALUE_TOO_LOW", field: "amount_money.amount" }, "rejected", "http_400"],
    [400, { ...invalid, code: "INVALID_LOCATION" }, "unavailable", "misconfigured"],
    [400, { ...invalid, code: "INVALID_VALUE", field: "location_id" }, "unavailable", "misconfigured"],
    [401, { category: "AUTHENTICATION_ERROR", code: "ACCESS_TOKEN_EXPIRED" }, "unavailable", "unauthorized"],
    [403, { category: "AUTHENTICATION_ERROR", code: "INSUFFICIENT_SCOPES" }, "unavailable", "forbidden"],
    [429, { category: "RATE_LIMIT_ERROR", code: "RATE_LIMITED" }, "throttled", "rate_limited"],
    [400, { ...api, code: "TEMPORARY_ERROR" }, "ambiguous", "http_400"],
    [408, { ...api, code: "REQUEST_TIMEOUT" }, "ambiguous", "http_408"],
    [500, { ...api, code: "INTERNAL_SERVER_ERROR" }, "ambiguous", "http_500"],
    [504, { ...api, code: "GATEWAY_TIMEOUT" }, "ambiguous", "http_504"],
  ])("%d %j is %s %s", async (status, error, kind, code) => {
    expect(await answerTo(status, { errors: [error] })).toMatchObject({ kind, code });
  });

  test("of two kinds at once is not understood", async () => {
    const errors = [
      { ...method, code: "CVV_FAILURE" },
      { ...api, code: "TEMPORARY_ERROR" },
    ];
    expect(await answerTo(400, { errors })).toMatchObject({ kind: "ambiguous", code: "malformed_answer" });
  });
});

test.each([
  ["JPY", true],
  ["USD", true],
  ["CHF", false],
  ["KWD", false],
])("%s is taken: %s", (currency, isTaken) => {
  expect(implementation?.accepts?.({ ...request, currency })).toBe(isTaken);
});

test("the sandbox of Square itself is another host", () => {
  const parsed = square.config.parse({ accessToken: "x", environment: "sandbox" });
  expect(parsed).toEqual({ accessToken: "x", environment: "sandbox" });
  expect(() => square.config.parse({ accessToken: "x", environment: "test" })).toThrow(/environment/u);
});
