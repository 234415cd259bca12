import { paymentRefund, refundRequest } from "@understudy/core";
import { misbehaving, testProvider } from "@understudy/testkit";
import { expect, test } from "vitest";

import { carefulOutcomes } from "../payment/testing/expected.ts";
import { paypal } from "./provider.ts";
import { prelude } from "./testing/prelude.ts";

const request = refundRequest.parse({
  provider: "paypal",
  chargeId: "C1",
  amountMinor: 50,
  currency: "EUR",
  reason: "came back",
});
const call = { jobId: "refund-7", idempotencyKey: "refund-7-g1", signal: new AbortController().signal };
const refund = { id: "R1", status: "COMPLETED", amount: { currency_code: "EUR", value: "0.50" } };
const success = { status: 201, headers: { "paypal-debug-id": "d1" }, body: JSON.stringify(refund) };

const refusal = JSON.stringify({ name: "INVALID_REQUEST", message: "Invalid.", debug_id: "d9" });

testProvider(paypal, {
  capability: paymentRefund,
  request,
  success,
  refusal,
  prelude,
  expected: carefulOutcomes,
});

const implementation = paypal.adapters[1];
const adapterAt = (baseUrl: string) =>
  implementation!.create(paypal.config.parse({ ...paypal.sandboxConfig, baseUrl }));
const answerTo = async (status: number, body: unknown) => {
  await using server = await misbehaving({ does: "answer", status, body: JSON.stringify(body) }, prelude);
  const outcome = await adapterAt(server.url)(request, call);
  expect(server.requests).toHaveLength(1);
  return outcome;
};

test("the request is the one PayPal documents, under the call's key", async () => {
  await using server = await misbehaving({ does: "answer", ...success }, prelude);
  expect(await adapterAt(`${server.url}/`)({ ...request, chargeId: "C/1" }, call)).toMatchObject({
    kind: "delivered",
    externalId: "R1",
    requestId: "d1",
    receipt: { status: "refunded", refundId: "R1", amountMinor: 50, currency: "EUR" },
  });
  const [sent] = server.requests;
  expect(sent).toMatchObject({ method: "POST", path: "/v2/payments/captures/C%2F1/refund" });
  expect(sent?.headers).toMatchObject({
    "paypal-request-id": "refund-7-g1",
    prefer: "return=representation",
  });
  expect(JSON.parse(sent?.body ?? "")).toEqual({
    amount: { currency_code: "EUR", value: "0.50" },
    custom_id: "refund-7",
    invoice_id: "refund-7",
    note_to_payer: "came back",
  });
});

test.each([
  ["PENDING", {}, { status: "pending" }, false],
  ["FAILED", { status_details: { reason: "ECHECK" } }, { status: "declined", declineCode: "ECHECK" }, true],
  ["CANCELLED", {}, { status: "declined", declineCode: "CANCELLED" }, true],
])("a refund that is %s is an answer", async (status, more, receipt, final) => {
  expect(await answerTo(201, { ...refund, status, ...more })).toMatchObject({
    kind: "delivered",
    final,
    receipt: { refundId: "R1", ...receipt },
  });
});

test("of another amount means that the key was used for it", async () => {
  const other = { ...refund, amount: { currency_code: "EUR", value: "0.51" } };
  expect(await answerTo(200, other)).toMatchObject({ kind: "ambiguous", code: "key_conflict" });
});

test("of a status that is not known is not PayPal's answer", async () => {
  expect(await answerTo(201, { ...refund, status: "DREAMING" })).toMatchObject({
    kind: "ambiguous",
    code: "malformed_answer",
  });
});

test.each([
  "CAPTURE_FULLY_REFUNDED",
  "REFUND_TIME_LIMIT_EXCEEDED",
  "REFUND_AMOUNT_EXCEEDED",
  "REFUND_FAILED_INSUFFICIENT_FUNDS",
])("%s is refused for good", async (issue) => {
  expect(await answerTo(422, { name: "UNPROCESSABLE_ENTITY", details: [{ issue }] })).toMatchObject({
    kind: "delivered",
    receipt: { status: "declined", declineCode: issue, amountMinor: 50, currency: "EUR" },
  });
});

test.each([
  [404, "RESOURCE_NOT_FOUND", "INVALID_RESOURCE_ID", "rejected", "unknown_charge"],
  [422, "UNPROCESSABLE_ENTITY", "REFUND_CAPTURE_CURRENCY_MISMATCH", "rejected", "http_422"],
  [422, "UNPROCESSABLE_ENTITY", "PENDING_CAPTURE", "throttled", "charge_pending"],
  [422, "UNPROCESSABLE_ENTITY", "DUPLICATE_INVOICE_ID", "ambiguous", "key_conflict"],
  [422, "UNPROCESSABLE_ENTITY", "REFUND_IS_RESTRICTED", "unavailable", "forbidden"],
  [500, "INTERNAL_SERVER_ERROR", "", "ambiguous", "http_500"],
])("%d %s %s is %s %s", async (status, name, issue, kind, code) => {
  expect(await answerTo(status, { name, details: [{ issue }] })).toMatchObject({ kind, code });
});
