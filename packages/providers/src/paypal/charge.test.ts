import { chargeRequest, paymentCharge } from "@understudy/core";
import { type Misbehaving, misbehaving, testProvider } from "@understudy/testkit";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { carefulOutcomes } from "../payment/testing/expected.ts";
import { paypal } from "./provider.ts";
import { prelude } from "./testing/prelude.ts";

const request = chargeRequest.parse({
  amountMinor: 1050,
  currency: "EUR",
  paymentMethod: { paypal: "8kk8451t", stripe: "pm_1" },
  description: "Order 4711",
});
const call = { jobId: "order-7", idempotencyKey: "order-7-g1", signal: new AbortController().signal };
const capture = { id: "C1", status: "COMPLETED", amount: { currency_code: "EUR", value: "10.50" } };
const orderWith = (more: object) => ({
  id: "O1",
  status: "COMPLETED",
  purchase_units: [{ payments: { captures: [{ ...capture, ...more }] } }],
});
const success = {
  status: 201,
  headers: { "paypal-debug-id": "d1" },
  body: JSON.stringify(orderWith({})),
};

const refusal = JSON.stringify({ name: "INVALID_REQUEST", message: "Invalid.", debug_id: "d9" });

testProvider(paypal, {
  capability: paymentCharge,
  request,
  success,
  refusal,
  prelude,
  expected: carefulOutcomes,
});

const [implementation] = paypal.adapters;

let server: Misbehaving;
beforeEach(async () => {
  server = await misbehaving({ does: "answer", ...success }, prelude);
});
afterEach(() => server[Symbol.asyncDispose]());

const adapter = () =>
  implementation!.create(paypal.config.parse({ ...paypal.sandboxConfig, baseUrl: server.url }));
const answerTo = async (status: number, body: unknown, asked = request) => {
  server.behave({ does: "answer", status, body: JSON.stringify(body) });
  const outcome = await adapter()(asked, call);
  expect(server.requests).toHaveLength(1);
  return outcome;
};

test("the request is the one PayPal documents, captured at once, under the call's key", async () => {
  expect(await adapter()(request, call)).toMatchObject({
    kind: "delivered",
    final: true,
    externalId: "C1",
    requestId: "d1",
    receipt: { status: "captured", chargeId: "C1", amountMinor: 1050, currency: "EUR" },
  });
  const [sent] = server.requests;
  expect(sent).toMatchObject({ method: "POST", path: "/v2/checkout/orders" });
  expect(sent?.headers).toMatchObject({
    authorization: "Bearer A21-conformance",
    "content-type": "application/json",
    "paypal-request-id": "order-7-g1",
    prefer: "return=representation",
  });
  expect(JSON.parse(sent?.body ?? "")).toEqual({
    intent: "CAPTURE",
    purchase_units: [
      {
        amount: { currency_code: "EUR", value: "10.50" },
        description: "Order 4711",
        custom_id: "order-7",
        invoice_id: "order-7",
      },
    ],
    payment_source: { paypal: { vault_id: "8kk8451t" } },
  });
});

test.each([
  [
    "card:4xj9",
    {
      card: {
        vault_id: "4xj9",
        stored_credential: {
          payment_initiator: "MERCHANT",
          payment_type: "UNSCHEDULED",
          usage: "SUBSEQUENT",
        },
      },
    },
  ],
  ["B-5YM51602S4361534M", { token: { id: "B-5YM51602S4361534M", type: "BILLING_AGREEMENT" } }],
])("the token %s names its kind of source", async (token, source) => {
  await adapter()({ ...request, paymentMethod: { paypal: token } }, call);
  expect(JSON.parse(server.requests[0]?.body ?? "")).toMatchObject({ payment_source: source });
});

test("a job's id that is too long goes as its digest", async () => {
  await adapter()(request, { ...call, jobId: "j".repeat(128) });
  expect(server.requests[0]?.body).toMatch(/"custom_id":"[0-9a-f]{64}","invoice_id":"[0-9a-f]{64}"/u);
});

describe("an order", () => {
  test.each([
    ["PENDING", {}, { status: "pending" }, false],
    ["REFUNDED", {}, { status: "captured" }, true],
    ["PARTIALLY_REFUNDED", {}, { status: "captured" }, true],
    [
      "DECLINED",
      { processor_response: { response_code: "5120" } },
      { status: "declined", declineCode: "5120" },
      true,
    ],
    [
      "DECLINED",
      { status_details: { reason: "DECLINED_BY_RISK_FRAUD_FILTERS" } },
      { status: "declined", declineCode: "DECLINED_BY_RISK_FRAUD_FILTERS" },
      true,
    ],
    ["FAILED", {}, { status: "declined", declineCode: "FAILED" }, true],
  ])("whose capture is %s is an answer", async (status, more, receipt, final) => {
    expect(await answerTo(200, orderWith({ status, ...more }))).toMatchObject({
      kind: "delivered",
      final,
      externalId: "C1",
      receipt: { chargeId: "C1", ...receipt },
    });
  });

  test("that needs the payer needs action, and says where", async () => {
    const links = [
      { rel: "self", href: "https://api/o" },
      { rel: "payer-action", href: "https://www.paypal.com/o" },
    ];
    expect(await answerTo(201, { id: "O1", status: "PAYER_ACTION_REQUIRED", links })).toMatchObject({
      receipt: { status: "needs_action", chargeId: "O1", actionUrl: "https://www.paypal.com/o" },
    });
  });

  test.each([
    ["of which nothing was captured", { id: "O1", status: "CREATED" }],
    ["whose capture has a status that is not known", orderWith({ status: "DREAMING" })],
    ["without an id", { ...orderWith({}), id: "" }],
    ["of no amount", orderWith({ amount: { currency_code: "EUR", value: "ten" } })],
  ])("%s is not PayPal's answer", async (_, body) => {
    expect(await answerTo(201, body)).toMatchObject({ kind: "ambiguous", code: "malformed_answer" });
  });

  test.each([
    ["another amount", { amount: { currency_code: "EUR", value: "10.51" } }],
    ["another currency", { amount: { currency_code: "USD", value: "10.50" } }],
    ["another job", { custom_id: "order-8" }],
  ])("of %s means that the key was used for it", async (_, more) => {
    expect(await answerTo(200, orderWith(more))).toMatchObject({ kind: "ambiguous", code: "key_conflict" });
  });
});

describe("an error", () => {
  const unprocessable = (issue: string) => ({
    name: "UNPROCESSABLE_ENTITY",
    debug_id: "d2",
    details: [{ issue }],
  });
  test.each(["INSTRUMENT_DECLINED", "PAYER_CANNOT_PAY", "TRANSACTION_REFUSED", "PAYER_ACTION_REQUIRED"])(
    "422 %s is a decline",
    async (issue) => {
      expect(await answerTo(422, unprocessable(issue))).toMatchObject({
        kind: "delivered",
        final: true,
        requestId: "d2",
        receipt: { status: "declined", declineCode: issue, amountMinor: 1050, currency: "EUR" },
      });
    },
  );

  const problem = (name: string, issue?: string) => ({
    name,
    ...(issue !== undefined && { details: [{ issue }] }),
  });
  test.each([
    [409, problem("RESOURCE_CONFLICT", "PREVIOUS_REQUEST_IN_PROGRESS"), "ambiguous", "in_progress"],
    [409, problem("RESOURCE_CONFLICT"), "ambiguous", "http_409"],
    [422, unprocessable("DUPLICATE_INVOICE_ID"), "ambiguous", "key_conflict"],
    [422, unprocessable("PAYPAL_REQUEST_ID_PREVIOUSLY_USED"), "ambiguous", "key_conflict"],
    [422, unprocessable("TOKEN_ID_NOT_FOUND"), "unavailable", "unknown_token"],
    [422, unprocessable("TOKEN_EXPIRED"), "unavailable", "token_expired"],
    [404, problem("RESOURCE_NOT_FOUND"), "unavailable", "unknown_token"],
    [422, unprocessable("AMOUNT_MISMATCH"), "rejected", "http_422"],
    [400, problem("INVALID_REQUEST", "INVALID_PARAMETER_SYNTAX"), "rejected", "http_400"],
    [400, problem("SOMETHING_ELSE"), "ambiguous", "http_400"],
    [422, unprocessable("PAYEE_ACCOUNT_RESTRICTED"), "unavailable", "account_suspended"],
    [422, unprocessable("NOT_ELIGIBLE_FOR_TOKEN_PROCESSING"), "unavailable", "forbidden"],
    [401, problem("AUTHENTICATION_FAILURE"), "unavailable", "unauthorized"],
    [403, problem("NOT_AUTHORIZED", "PERMISSION_DENIED"), "unavailable", "forbidden"],
    [429, problem("RATE_LIMIT_REACHED"), "throttled", "rate_limited"],
    [500, problem("INTERNAL_SERVER_ERROR"), "ambiguous", "http_500"],
    [503, problem("SERVICE_UNAVAILABLE"), "ambiguous", "http_503"],
  ])("%d %j is %s %s", async (status, body, kind, code) => {
    expect(await answerTo(status, body)).toMatchObject({ kind, code });
  });
});

describe("amounts", () => {
  test.each([
    ["EUR", 5, "0.05"],
    ["JPY", 1050, "1050"],
    ["HUF", 100_000, "1000"],
    ["TWD", 4200, "42"],
  ])("%s %d goes as %s and comes back the same", async (currency, amountMinor, value) => {
    const asked = { ...request, amountMinor, currency };
    const answer = orderWith({ amount: { currency_code: currency, value } });
    expect(await answerTo(201, answer, asked)).toMatchObject({ receipt: { amountMinor, currency } });
    expect(JSON.parse(server.requests[0]?.body ?? "")).toMatchObject({
      purchase_units: [{ amount: { currency_code: currency, value } }],
    });
  });

  test.each([
    ["HUF", 100_050],
    ["KWD", 1000],
    ["INR", 1000],
  ])("%s %d is what PayPal cannot take", (currency, amountMinor) => {
    expect(implementation?.accepts?.({ ...request, amountMinor, currency })).toBe(false);
  });
});

test.each(["pm.1", "card:", "card:a b"])("the token %j is none of PayPal's", (token) => {
  expect(implementation?.accepts?.({ ...request, paymentMethod: { paypal: token } })).toBe(false);
});
