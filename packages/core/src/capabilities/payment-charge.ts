import * as z from "zod";

import { defineCapability } from "../capability.ts";
import { cardless } from "../card-number.ts";
import { amountMinor, currency } from "../money.ts";

/** What stands for a card at one provider. It means nothing to any other. */
const token = cardless(z.string().regex(/^[\w:.-]{1,255}$/u, "must be a provider's token, such as pm_1N…"));
const providerName = cardless(
  z.string().regex(/^[a-z][a-z0-9-]{0,63}$/u, "must be a provider's name, such as stripe"),
);

const metadataKey = cardless(
  z.string().regex(/^[A-Za-z][\w-]{0,39}$/u, "must be 1 to 40 letters, digits, _ or -"),
);

/** Unknown fields are refused, and not passed over: a card number in one would rest in nobody's mind. */
export const chargeRequest = z.strictObject({
  amountMinor,
  currency,
  /** The payment method by provider: `{ stripe: "pm_…", square: "ccof:…" }`. Only these providers can serve the charge. */
  paymentMethod: z
    .record(providerName, token)
    .refine((tokens) => Object.keys(tokens).length > 0, "must hold a token of at least one provider"),
  /** The customer at each provider, where its token demands one. */
  customer: z.record(providerName, token).optional(),
  /** For the customer and the books. */
  description: cardless(z.string().min(1).max(127)).optional(),
  metadata: z
    .record(metadataKey, cardless(z.string().max(255)))
    .refine((entries) => Object.keys(entries).length <= 20, "must hold at most 20 entries")
    .optional(),
});

const common = {
  /** The provider's id of the charge, which a refund names. */
  chargeId: z.string(),
  amountMinor: z.int(),
  currency: z.string(),
};

/** A decline is an answer. */
export const chargeReceipt = z.discriminatedUnion("status", [
  z.object({ status: z.literal("captured"), ...common }),
  /** Taken, and not yet sure: the provider tells later. */
  z.object({ status: z.literal("pending"), ...common }),
  z.object({
    status: z.literal("declined"),
    ...common,
    chargeId: z.string().optional(),
    /** The provider's word: "insufficient_funds", "INSTRUMENT_DECLINED" … */
    declineCode: z.string(),
  }),
  /** The customer must do something first, such as confirming at their bank. */
  z.object({ status: z.literal("needs_action"), ...common, actionUrl: z.string().optional() }),
]);

export type ChargeRequest = z.output<typeof chargeRequest>;
export type ChargeReceipt = z.output<typeof chargeReceipt>;

/** Take money from a stored payment method. It must not happen twice. */
export const paymentCharge = defineCapability({
  name: "payment.charge",
  request: chargeRequest,
  receipt: chargeReceipt,
  duplicates: "forbidden",
  meantFor: ({ paymentMethod }) => Object.keys(paymentMethod),
});
