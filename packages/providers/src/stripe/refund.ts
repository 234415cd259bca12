import {
  type Adapter,
  type Call,
  type Implementation,
  paymentRefund,
  type RefundReceipt,
  type RefundRequest,
} from "@understudy/core";
import type { Stripe } from "stripe";

import { answered } from "../payment/answers.ts";
import { carry } from "../transport/carry.ts";
import { parseJson } from "../transport/classify.ts";
import { implement } from "../transport/implement.ts";
import type { Reply } from "../transport/transport.ts";
import { errorOf, failureOf, requestIdOf } from "./classify.ts";
import { lookUpRefund } from "./look-up.ts";
import { chargeOf, receiptOfRefund, refundObject } from "./refund-object.ts";
import { stripeClient, type StripeConfig } from "./sdk.ts";
import { unitsOf } from "./units.ts";

const minute = 60_000;

export const refund: Implementation<StripeConfig, typeof paymentRefund> = {
  capability: paymentRefund,
  idempotency: { horizonMs: 24 * 60 * minute, maxKeyLength: 255 },
  create,
  accepts: ({ provider, amountMinor, currency }) =>
    provider === "stripe" && unitsOf(amountMinor, currency) !== undefined,
  // A list shows what is written; a request that was lost may still be under way.
  lookUp: { trustNotFoundAfterMs: 10 * minute, create: lookUpRefund },
};

function create(config: StripeConfig): Adapter<typeof paymentRefund> {
  const client = stripeClient(config);
  return implement<typeof paymentRefund>("stripe", [config.secretKey], async (request, call) => {
    const carried = await carry(call.signal, () =>
      client.refunds.create(paramsOf(request, call), { idempotencyKey: call.idempotencyKey }),
    );
    const receipt = receiptIn(carried.reply, request);
    return {
      ...(receipt === undefined ? failureOf(carried, call.signal) : answered(receipt)),
      ...requestIdOf(carried.reply),
    };
  });
}

/** https://docs.stripe.com/api/refunds/create. Stripe's own `reason` knows three words only; ours goes to the books. */
function paramsOf(
  { chargeId, amountMinor, currency, reason }: RefundRequest,
  { jobId }: Call,
): Stripe.RefundCreateParams {
  const units = unitsOf(amountMinor, currency);
  if (units === undefined) throw new TypeError("stripe does not accept this refund");
  return {
    ...chargeOf(chargeId),
    amount: units,
    metadata: { ...(reason !== undefined && { reason }), job_id: jobId },
  };
}

/** https://docs.stripe.com/error-codes: refused for good, whoever asks again. */
const final: ReadonlySet<string> = new Set([
  "charge_already_refunded",
  "charge_disputed",
  "charge_not_refundable",
  "refund_disputed_payment",
  "balance_insufficient",
  "insufficient_funds",
]);

function receiptIn(
  reply: Reply | undefined,
  { amountMinor, currency }: RefundRequest,
): RefundReceipt | undefined {
  if (reply?.at !== "answered") return undefined;
  if (reply.status === 200) {
    const made = refundObject.safeParse(parseJson(reply.body.toString())).data;
    return made === undefined ? undefined : receiptOfRefund(made);
  }
  const error = reply.status === 400 || reply.status === 402 ? errorOf(reply) : undefined;
  if (error?.type !== "invalid_request_error" && error?.type !== "card_error") return undefined;
  const declineCode = isTooMuch(error.message) ? "amount_too_large" : (error.code ?? "");
  return final.has(declineCode) || declineCode === "amount_too_large"
    ? { status: "declined", amountMinor, currency, declineCode }
    : undefined;
}

/** Stripe has words for this, and no code. */
function isTooMuch(message: string | null | undefined): boolean {
  return /greater than (?:the )?(?:unrefunded|remaining|refundable) amount/iu.test(message ?? "");
}
