import * as z from "zod";

import { defineCapability } from "../capability.ts";
import { cardless } from "../card-number.ts";
import { amountMinor, currency } from "../money.ts";

export const refundRequest = z.strictObject({
  /** The provider that took the charge; nobody else can give it back. */
  provider: cardless(z.string().min(1).max(64)),
  /** Its id of the charge, from the charge's receipt. */
  chargeId: cardless(z.string().min(1).max(255)),
  /** At most what was charged, in the charge's currency. */
  amountMinor,
  currency,
  reason: cardless(z.string().min(1).max(127)).optional(),
});

const common = { refundId: z.string(), amountMinor: z.int(), currency: z.string() };

export const refundReceipt = z.discriminatedUnion("status", [
  z.object({ status: z.literal("refunded"), ...common }),
  /** Taken, and not yet sure: the provider tells later. */
  z.object({ status: z.literal("pending"), ...common }),
  /** The provider will not give it back: refunded already, too late, no funds. */
  z.object({
    status: z.literal("declined"),
    ...common,
    refundId: z.string().optional(),
    declineCode: z.string(),
  }),
]);

export type RefundRequest = z.output<typeof refundRequest>;
export type RefundReceipt = z.output<typeof refundReceipt>;

/** Give back a charge, or a part of it. It must not happen twice. */
export const paymentRefund = defineCapability({
  name: "payment.refund",
  request: refundRequest,
  receipt: refundReceipt,
  duplicates: "forbidden",
  meantFor: ({ provider }) => [provider],
});
