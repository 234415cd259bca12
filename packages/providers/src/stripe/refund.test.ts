import { paymentRefund, refundRequest } from "@understudy/core";
import { misbehaving, testProvider } from "@understudy/testkit";
import { describe, expect, test } from "vitest";

import { carefulOutcomes } from "../payment/testing/expected.ts";
import { stripe } from "./provider.ts";

const request = refundRequest.parse({
  provider: "stripe",
  chargeId: "pi_1",
  amountMinor: 500,
  currency: "ISK",
  reason: "came back",
});
const call = { jobId: "refund-7", idempotencyKey: "refund-7-g1", signal: new AbortController().signal };
const made = { id: "re_1", object: "refund", status: "succeeded", amount: 50_000, currency: "isk" };
const success = { status: 200, headers: { "request-id": "req_1" }, body: JSON.stringify(made) };

const refusal = JSON.stringify({ error: { type: "invalid_request_error", message: "Invalid." } });

testProvider(stripe, { capability: paymentRefund, request, success, refusal, expected: carefulOutcomes });

const implementation = stripe.adapters[1];
const adapterAt = (baseUrl: string) =>
  implementation!.create(stripe.config.parse({ ...stripe.sandboxConfig, baseUrl }));
const answerTo = async (status: number, body: unknown) => {
  await using server = await misbehaving({ does: "answer", status, body: JSON.stringify(body) });
  const outcome = await adapterAt(server.url)(request, call);
  expect(server.requests).toHaveLength(1);
  return outcome;
};

test("the request is the one Stripe documents, in its units, under the call's key", async () => {
  await using server = await misbehaving({ does: "answer", ...success });
  expect(await adapterAt(server.url)(request, call)).toMatchObject({
    kind: "delivered",
    externalId: "re_1",
    requestId: "req_1",
    receipt: { status: "refunded", refundId: "re_1", amountMinor: 500, currency: "ISK" },
  });
  const [sent] = server.requests;
  expect(sent).toMatchObject({ method: "POST", path: "/v1/refunds" });
  expect(sent?.headers["idempotency-key"]).toBe("refund-7-g1");
  expect(Object.fromEntries(new URLSearchParams(sent?.body))).toEqual({
    payment_intent: "pi_1",
    amount: "50000",
    "metadata[reason]": "came back",
    "metadata[job_id]": "refund-7",
  });
});

test("a charge of an older integration is named as one", async () => {
  await using server = await misbehaving({ does: "answer", ...success });
  await adapterAt(server.url)({ ...request, chargeId: "ch_1" }, call);
  expect(new URLSearchParams(server.requests[0]?.body).get("charge")).toBe("ch_1");
});

test.each([
  ["pending", {}, { status: "pending" }, false],
  ["requires_action", {}, { status: "pending" }, false],
  [
    "failed",
    { failure_reason: "lost_or_stolen_card" },
    { status: "declined", declineCode: "lost_or_stolen_card" },
    true,
  ],
  ["canceled", {}, { status: "declined", declineCode: "canceled" }, true],
])("a refund that is %s is an answer", async (status, more, receipt, final) => {
  expect(await answerTo(200, { ...made, status, ...more })).toMatchObject({
    kind: "delivered",
    final,
    receipt: { refundId: "re_1", ...receipt },
  });
});

describe("an error", () => {
  const invalid = { type: "invalid_request_error" };
  test.each(["charge_already_refunded", "charge_disputed", "charge_not_refundable", "balance_insufficient"])(
    "%s is refused for good",
    async (code) => {
      expect(await answerTo(400, { error: { ...invalid, code } })).toMatchObject({
        kind: "delivered",
        receipt: { status: "declined", declineCode: code, amountMinor: 500, currency: "ISK" },
      });
    },
  );

  test("more than is left is refused for good, by Stripe's words", async () => {
    const message = "Refund amount ($10.50) is greater than unrefunded amount on charge ($5.00)";
    expect(await answerTo(400, { error: { ...invalid, param: "amount", message } })).toMatchObject({
      receipt: { status: "declined", declineCode: "amount_too_large" },
    });
  });

  test.each([
    [404, { ...invalid, code: "resource_missing", param: "payment_intent" }, "rejected", "unknown_charge"],
    [400, { ...invalid, code: "parameter_unknown" }, "rejected", "http_400"],
    [400, { type: "idempotency_error" }, "ambiguous", "key_conflict"],
    [409, { ...invalid, code: "idempotency_key_in_use" }, "ambiguous", "in_progress"],
    [500, { type: "api_error" }, "ambiguous", "http_500"],
  ])("%d %j is %s %s", async (status, error, kind, code) => {
    expect(await answerTo(status, { error })).toMatchObject({ kind, code });
  });
});
