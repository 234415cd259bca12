import { currency, type RefundReceipt } from "@understudy/core";
import * as z from "zod";

import { minorOf } from "./units.ts";

/** https://docs.stripe.com/api/refunds/object */
export const refundObject = z.object({
  object: z.literal("refund"),
  id: z.string().min(1),
  status: z.string().nullish(),
  amount: z.int(),
  created: z.int().optional(),
  currency: z.string().toUpperCase().pipe(currency),
  failure_reason: z.string().nullish(),
  metadata: z.record(z.string(), z.string()).nullish(),
});
export type RefundObject = z.output<typeof refundObject>;

/** Undefined for a status that we do not know. */
export function receiptOfRefund(made: RefundObject): RefundReceipt | undefined {
  const about = {
    refundId: made.id,
    amountMinor: minorOf(made.amount, made.currency),
    currency: made.currency,
  };
  switch (made.status) {
    case "succeeded":
      return { status: "refunded", ...about };
    case "pending":
    case "requires_action":
      return { status: "pending", ...about };
    case "failed":
    case "canceled":
      return { status: "declined", ...about, declineCode: made.failure_reason ?? made.status };
    default:
      return undefined;
  }
}

/** Our receipts name payment intents; the charges of an older integration can be refunded too. */
export function chargeOf(chargeId: string): { charge: string } | { payment_intent: string } {
  return chargeId.startsWith("ch_") || chargeId.startsWith("py_")
    ? { charge: chargeId }
    : { payment_intent: chargeId };
}
