import { paymentRefund, refundRequest } from "@understudy/core";
import { misbehaving, testProvider } from "@understudy/testkit";
import { expect, test } from "vitest";

import { carefulOutcomes } from "../payment/testing/expected.ts";
import { square } from "./provider.ts";

const request = refundRequest.parse({
  provider: "square",
  chargeId: "p1",
  amountMinor: 50,
  currency: "EUR",
  reason: "came back",
});
const call = { jobId: "refund-7", idempotencyKey: "refund-7-g1", signal: new AbortController().signal };
const refund = {
  id: "p1_r1",
  status: "COMPLETED",
  payment_id: "p1",
  amount_money: { amount: 50, currency: "EUR" },
};
const success = { status: 200, body: JSON.stringify({ refund }) };

const refusal = JSON.stringify({
  errors: [{ category: "INVALID_REQUEST_ERROR", code: "BAD_REQUEST", detail: "Invalid." }],
});

testProvider(square, { capability: paymentRefund, request, success, refusal, expected: carefulOutcomes });

const implementation = square.adapters[1];
const adapterAt = (baseUrl: string) =>
  implementation!.create(square.config.parse({ ...square.sandboxConfig, baseUrl }));
const answerTo = async (status: number, body: unknown) => {
  await using server = await misbehaving({ does: "answer", status, body: JSON.stringify(body) });
  const outcome = await adapterAt(server.url)(request, call);
  expect(server.requests).toHaveLength(1);
  return outcome;
};

test("the request is the one Square documents, the job's id at the end of its reason", async () => {
  await using server = await misbehaving({ does: "answer", ...success });
  expect(await adapterAt(server.url)(request, call)).toMatchObject({
    kind: "delivered",
    externalId: "p1_r1",
    receipt: { status: "refunded", refundId: "p1_r1", amountMinor: 50, currency: "EUR" },
  });
  const [sent] = server.requests;
  expect(sent).toMatchObject({ method: "POST", path: "/v2/refunds" });
  expect(JSON.parse(sent?.body ?? "")).toEqual({
    idempotency_key: "refund-7-g1",
    payment_id: "p1",
    amount_money: { amount: 50, currency: "EUR" },
    reason: "came back [job refund-7]",
  });
});

test.each([
  ["PENDING", { status: "pending" }, false],
  ["REJECTED", { status: "declined", declineCode: "REJECTED" }, true],
  ["FAILED", { status: "declined", declineCode: "FAILED" }, true],
])("a refund that is %s is an answer", async (status, receipt, final) => {
  expect(await answerTo(200, { refund: { ...refund, status } })).toMatchObject({
    kind: "delivered",
    final,
    receipt: { refundId: "p1_r1", ...receipt },
  });
});

test.each(["REFUND_AMOUNT_INVALID", "PAYMENT_NOT_REFUNDABLE", "REFUND_DECLINED"])(
  "%s is refused for good",
  async (code) => {
    expect(await answerTo(400, { errors: [{ category: "REFUND_ERROR", code }] })).toMatchObject({
      kind: "delivered",
      receipt: { status: "declined", declineCode: code, amountMinor: 50, currency: "EUR" },
    });
  },
);

test.each([
  [404, "INVALID_REQUEST_ERROR", "NOT_FOUND", "rejected", "unknown_charge"],
  [400, "INVALID_REQUEST_ERROR", "CURRENCY_MISMATCH", "rejected", "http_400"],
  [400, "INVALID_REQUEST_ERROR", "IDEMPOTENCY_KEY_REUSED", "ambiguous", "key_conflict"],
  // Another refund of the charge must be through first.
  [400, "REFUND_ERROR", "REFUND_ALREADY_PENDING", "throttled", "refund_pending"],
  [500, "API_ERROR", "INTERNAL_SERVER_ERROR", "ambiguous", "http_500"],
])("%d %s %s is %s %s", async (status, category, errorCode, kind, code) => {
  expect(await answerTo(status, { errors: [{ category, code: errorCode }] })).toMatchObject({ kind, code });
});
