import { type ChargeReceipt, currency } from "@understudy/core";
import * as z from "zod";

import { minorOf } from "./units.ts";

/** https://docs.stripe.com/api/payment_intents/object, the part that tells what became of the money. */
export const paymentIntent = z.object({
  object: z.literal("payment_intent"),
  id: z.string().min(1),
  status: z.string(),
  amount: z.int(),
  currency: z.string().toUpperCase().pipe(currency),
  cancellation_reason: z.string().nullish(),
  last_payment_error: z.object({ code: z.string().nullish(), decline_code: z.string().nullish() }).nullish(),
  next_action: z.object({ redirect_to_url: z.object({ url: z.string().nullish() }).nullish() }).nullish(),
});
export type PaymentIntent = z.output<typeof paymentIntent>;

/** Undefined for a status that says nothing sure: one that we do not know, or that of an intent nobody has confirmed. */
export function receiptOf(intent: PaymentIntent): ChargeReceipt | undefined {
  const about = {
    chargeId: intent.id,
    amountMinor: minorOf(intent.amount, intent.currency),
    currency: intent.currency,
  };
  switch (intent.status) {
    case "succeeded":
      return { status: "captured", ...about };
    case "processing":
    case "requires_capture":
      return { status: "pending", ...about };
    case "requires_action":
      return { status: "needs_action", ...about, ...actionOf(intent) };
    case "requires_payment_method":
      return intent.last_payment_error == null
        ? undefined
        : refusalOf(intent.last_payment_error, about, intent);
    case "canceled":
      return { status: "declined", ...about, declineCode: intent.cancellation_reason ?? "canceled" };
    default:
      return undefined;
  }
}

interface Refusal {
  readonly code?: string | null | undefined;
  readonly decline_code?: string | null | undefined;
}

interface About {
  readonly chargeId?: string;
  readonly amountMinor: number;
  readonly currency: string;
}

/** A bank that only wants to see its customer has not declined: https://docs.stripe.com/error-codes#authentication-required */
export function refusalOf(
  { code, decline_code }: Refusal,
  about: About,
  intent?: PaymentIntent,
): ChargeReceipt {
  const { chargeId } = about;
  if (
    chargeId !== undefined &&
    (code === "authentication_required" || decline_code === "authentication_required")
  )
    return { status: "needs_action", ...about, chargeId, ...(intent !== undefined && actionOf(intent)) };
  return { status: "declined", ...about, declineCode: decline_code ?? code ?? "card_declined" };
}

function actionOf({ next_action }: PaymentIntent): { readonly actionUrl?: string } {
  const url = next_action?.redirect_to_url?.url;
  return url == null ? {} : { actionUrl: url };
}
