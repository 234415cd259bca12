import { type ChargeReceipt, currency, type RefundReceipt } from "@understudy/core";
import * as z from "zod";

import { squareError } from "./classify.ts";

/** In the currency's smallest unit: https://developer.squareup.com/docs/build-basics/working-with-monetary-amounts */
const money = z.object({ amount: z.int(), currency });

/** https://developer.squareup.com/reference/square/objects/Payment */
export const payment = z.object({
  id: z.string().min(1),
  status: z.string(),
  amount_money: money,
  reference_id: z.string().optional(),
  card_details: z.object({ errors: z.array(squareError).optional() }).optional(),
});
export type Payment = z.output<typeof payment>;

/** Undefined for a status that we do not know. */
export function receiptOf({ id, status, amount_money, card_details }: Payment): ChargeReceipt | undefined {
  const about = { chargeId: id, amountMinor: amount_money.amount, currency: amount_money.currency };
  switch (status) {
    case "COMPLETED":
      return { status: "captured", ...about };
    case "APPROVED":
    case "PENDING":
      return { status: "pending", ...about };
    case "CANCELED":
    case "FAILED":
      return refusalOf(card_details?.errors?.[0]?.code ?? status, about);
    default:
      return undefined;
  }
}

interface About {
  readonly chargeId?: string;
  readonly amountMinor: number;
  readonly currency: string;
}

/** A bank that only wants to see its customer has not declined for good. */
export function refusalOf(declineCode: string, about: About): ChargeReceipt {
  const { chargeId } = about;
  return declineCode === "CARD_DECLINED_VERIFICATION_REQUIRED" && chargeId !== undefined
    ? { status: "needs_action", ...about, chargeId }
    : { status: "declined", ...about, declineCode };
}

/** https://developer.squareup.com/reference/square/objects/PaymentRefund */
export const paymentRefundObject = z.object({
  id: z.string().min(1),
  status: z.string(),
  amount_money: money,
  payment_id: z.string().optional(),
  reason: z.string().optional(),
});
export type PaymentRefundObject = z.output<typeof paymentRefundObject>;

export function receiptOfRefund({
  id,
  status,
  amount_money,
}: PaymentRefundObject): RefundReceipt | undefined {
  const about = { refundId: id, amountMinor: amount_money.amount, currency: amount_money.currency };
  switch (status) {
    case "COMPLETED":
      return { status: "refunded", ...about };
    case "PENDING":
      return { status: "pending", ...about };
    case "REJECTED":
    case "FAILED":
      return { status: "declined", ...about, declineCode: status };
    default:
      return undefined;
  }
}

/** What Square's sellers are paid in: https://developer.squareup.com/docs/payments-api/take-payments. Amounts are as ISO has them. */
const currencies = new Set(["AUD", "CAD", "EUR", "GBP", "JPY", "USD"]);

export function isTaken(code: string): boolean {
  return currencies.has(code);
}
