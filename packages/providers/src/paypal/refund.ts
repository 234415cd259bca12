import {
  type Adapter,
  type Call,
  type Implementation,
  paymentRefund,
  type RefundReceipt,
  type RefundRequest,
} from "@understudy/core";
import * as z from "zod";

import { answered } from "../payment/answers.ts";
import type { Carried } from "../transport/carry.ts";
import { parseJson } from "../transport/classify.ts";
import { type Answer, implement } from "../transport/implement.ts";
import { errorOf, failureOf, requestIdOf } from "./classify.ts";
import { paths, payPalClient, type PayPalConfig } from "./client.ts";
import { lookUpRefund } from "./look-up.ts";
import { money, valueOf } from "./money.ts";
import { referenceOf } from "./reference.ts";

const hour = 3_600_000;

export const refund: Implementation<PayPalConfig, typeof paymentRefund> = {
  capability: paymentRefund,
  // "The server stores keys for 45 days."
  idempotency: { horizonMs: 45 * 24 * hour, maxKeyLength: 108 },
  create,
  accepts: ({ provider, amountMinor, currency }) =>
    provider === "paypal" && valueOf(amountMinor, currency) !== undefined,
  lookUp: { trustNotFoundAfterMs: 4 * hour, create: lookUpRefund },
};

function create(config: PayPalConfig): Adapter<typeof paymentRefund> {
  const client = payPalClient(config);
  return implement<typeof paymentRefund>("paypal", client.secrets, async (request, call) => {
    const path = `${paths.captures}/${encodeURIComponent(request.chargeId)}/refund`;
    const carried = await client.post(path, call.idempotencyKey, bodyOf(request, call), call.signal);
    if ("kind" in carried) return carried;
    return { ...answerIn(carried, request, call), ...requestIdOf(carried) };
  });
}

/** https://developer.paypal.com/docs/api/payments/v2/#captures_refund */
function bodyOf({ amountMinor, currency, reason }: RefundRequest, { jobId }: Call): unknown {
  const reference = referenceOf(jobId);
  return {
    amount: { currency_code: currency, value: valueOf(amountMinor, currency) },
    custom_id: reference,
    invoice_id: reference,
    note_to_payer: reason,
  };
}

const given = z.object({
  id: z.string().min(1),
  status: z.string(),
  status_details: z.object({ reason: z.string().optional() }).optional(),
  amount: money,
});

function answerIn(carried: Carried, request: RefundRequest, { signal }: Call): Answer<RefundReceipt> {
  const { reply } = carried;
  const { amountMinor, currency } = request;
  const unsuccessful = (): Answer<RefundReceipt> => failureOf(carried, signal, "unknown_charge");
  if (reply?.at !== "answered") return unsuccessful();
  if (reply.status === 200 || reply.status === 201) {
    const made = given.safeParse(parseJson(reply.body.toString())).data;
    const receipt = made === undefined ? undefined : receiptOf(made);
    if (receipt === undefined) return unsuccessful();
    // PayPal answers a used request id with what it did the first time, whatever is asked now.
    return receipt.amountMinor === amountMinor && receipt.currency === currency
      ? answered(receipt)
      : { kind: "ambiguous", code: "key_conflict", detail: "It answered with another refund." };
  }
  const error = reply.status === 422 ? errorOf(reply) : undefined;
  const declineCode = error?.details?.find(({ issue }) => final.has(issue))?.issue;
  return declineCode === undefined
    ? unsuccessful()
    : answered({ status: "declined", amountMinor, currency, declineCode });
}

function receiptOf({
  id,
  status,
  status_details,
  amount,
}: z.output<typeof given>): RefundReceipt | undefined {
  const about = { refundId: id, ...amount };
  switch (status) {
    case "COMPLETED":
      return { status: "refunded", ...about };
    case "PENDING":
      return { status: "pending", ...about };
    case "FAILED":
    case "CANCELLED":
      return { status: "declined", ...about, declineCode: status_details?.reason ?? status };
    default:
      return undefined;
  }
}

/** https://developer.paypal.com/docs/api/payments/v2/#errors: refused for good, whoever asks again. */
const final: ReadonlySet<string> = new Set([
  "CAPTURE_FULLY_REFUNDED",
  "MAX_NUMBER_OF_REFUNDS_EXCEEDED",
  "PARTIAL_REFUND_NOT_ALLOWED",
  "PAYER_ACCOUNT_LOCKED_OR_CLOSED",
  "REFUND_AMOUNT_EXCEEDED",
  "REFUND_AMOUNT_TOO_LOW",
  "REFUND_FAILED_INSUFFICIENT_FUNDS",
  "REFUND_NOT_ALLOWED",
  "REFUND_NOT_PERMITTED_DUE_TO_CHARGEBACK",
  "REFUND_TIME_LIMIT_EXCEEDED",
  "TRANSACTION_DISPUTED",
  "TRANSACTION_REFUSED",
]);
