import { describe, expect, test } from "vitest";

import { describeIssues } from "../errors.ts";
import { chargeRequest, paymentCharge } from "./payment-charge.ts";
import { paymentRefund, refundRequest } from "./payment-refund.ts";

const charge = { amountMinor: 1050, currency: "EUR", paymentMethod: { stripe: "pm_1", square: "ccof:1" } };
const refund = { provider: "stripe", chargeId: "pi_1", amountMinor: 1050, currency: "EUR" };

function problemWith(
  request: unknown,
  schema = chargeRequest as typeof chargeRequest | typeof refundRequest,
): string {
  const parsed = schema.safeParse(request);
  return parsed.success ? "" : describeIssues(parsed.error);
}

test("a charge is meant for the providers whose tokens it carries, a refund for the one that charged", () => {
  expect(paymentCharge.meantFor?.(chargeRequest.parse(charge))).toEqual(["stripe", "square"]);
  expect(paymentRefund.meantFor?.(refundRequest.parse(refund))).toEqual(["stripe"]);
});

describe("no card number gets in", () => {
  const card = "4242 4242 4242 4242";
  test.each([
    ["description", { description: `for ${card}` }],
    ["metadata.note", { metadata: { note: card } }],
    ["paymentMethod.stripe", { paymentMethod: { stripe: "4242424242424242" } }],
    ["customer.stripe", { customer: { stripe: "4242424242424242" } }],
  ])("by %s, and it is not repeated in the complaint", (path, more) => {
    const problem = problemWith({ ...charge, ...more });
    expect(problem).toContain(`${path}: `);
    expect(problem).toMatch(/token/u);
    expect(problem.replaceAll(/\D/gu, "")).not.toContain("4242");
  });

  test("by a field that nobody knows, or as the name of one", () => {
    expect(problemWith({ ...charge, number: "4242424242424242" })).toContain('"number"');
    expect(problemWith({ ...charge, "4242424242424242": 1 })).not.toContain("4242");
    expect(problemWith({ ...charge, "4242 4242-4242.4242": 1 })).not.toContain("4242");
    for (const key of ["4242424242424242", "4242-4242-4242-4242", "card4242424242424242"]) {
      expect(problemWith({ ...charge, metadata: { [key]: "x" } })).toMatch(/metadata/u);
      expect(problemWith({ ...charge, metadata: { [key]: "x" } })).not.toContain("4242");
    }
  });

  test("by a refund's reason", () => {
    expect(problemWith({ ...refund, reason: card }, refundRequest)).toContain("reason: ");
  });
});

test.each([
  ["amountMinor", { amountMinor: 10.5 }],
  ["amountMinor", { amountMinor: 0 }],
  ["currency", { currency: "eur" }],
  ["paymentMethod", { paymentMethod: {} }],
  ["paymentMethod.stripe", { paymentMethod: { stripe: "" } }],
  ["paymentMethod.Stripe", { paymentMethod: { Stripe: "pm_1" } }],
])("a wrong %s is refused by its path", (path, more) => {
  expect(problemWith({ ...charge, ...more })).toContain(path);
});
