import {
  type Adapter,
  type Call,
  type ChargeReceipt,
  type ChargeRequest,
  type Implementation,
  paymentCharge,
} from "@understudy/core";

import { answered } from "../payment/answers.ts";
import { tokenOf } from "../payment/tokens.ts";
import type { Carried } from "../transport/carry.ts";
import { parseJson } from "../transport/classify.ts";
import { type Answer, implement } from "../transport/implement.ts";
import { errorOf, failureOf, requestIdOf } from "./classify.ts";
import { paths, payPalClient, type PayPalConfig } from "./client.ts";
import { lookUpCharge } from "./look-up.ts";
import { valueOf } from "./money.ts";
import { captureIn, order, receiptOf } from "./order.ts";
import { paymentSourceOf } from "./payment-source.ts";
import { referenceOf } from "./reference.ts";

const hour = 3_600_000;

export const charge: Implementation<PayPalConfig, typeof paymentCharge> = {
  capability: paymentCharge,
  // "The server stores keys for 6 hours", unless the account's manager made it more.
  idempotency: { horizonMs: 6 * hour, maxKeyLength: 108 },
  create,
  accepts: (request) =>
    paymentSourceOf(tokenOf(request, "paypal") ?? "") !== undefined &&
    valueOf(request.amountMinor, request.currency) !== undefined,
  // "It takes a maximum of three hours for executed transactions to appear."
  lookUp: { trustNotFoundAfterMs: 4 * hour, create: lookUpCharge },
};

function create(config: PayPalConfig): Adapter<typeof paymentCharge> {
  const client = payPalClient(config);
  return implement<typeof paymentCharge>("paypal", client.secrets, async (request, call) => {
    const carried = await client.post(paths.orders, call.idempotencyKey, bodyOf(request, call), call.signal);
    if ("kind" in carried) return carried;
    return { ...answerIn(carried, request, call), ...requestIdOf(carried) };
  });
}

/** https://developer.paypal.com/docs/api/orders/v2/#orders_create: with a stored source, an order is captured as it is made. */
function bodyOf(
  { amountMinor, currency, description, paymentMethod }: ChargeRequest,
  { jobId }: Call,
): unknown {
  const reference = referenceOf(jobId);
  return {
    intent: "CAPTURE",
    purchase_units: [
      {
        amount: { currency_code: currency, value: valueOf(amountMinor, currency) },
        description,
        custom_id: reference,
        invoice_id: reference,
      },
    ],
    payment_source: paymentSourceOf(paymentMethod["paypal"] ?? ""),
  };
}

function answerIn(carried: Carried, request: ChargeRequest, call: Call): Answer<ChargeReceipt> {
  const { reply } = carried;
  const unsuccessful = (): Answer<ChargeReceipt> => failureOf(carried, call.signal, "unknown_token");
  if (reply?.at !== "answered") return unsuccessful();
  if (reply.status === 200 || reply.status === 201) {
    const made = order.safeParse(parseJson(reply.body.toString())).data;
    const receipt = made === undefined ? undefined : receiptOf(made, request);
    if (made === undefined || receipt === undefined) return unsuccessful();
    const { amountMinor, currency } = request;
    // PayPal answers a used request id with what it did the first time, whatever is asked now.
    const isOurs =
      receipt.amountMinor === amountMinor &&
      receipt.currency === currency &&
      (captureIn(made)?.custom_id ?? referenceOf(call.jobId)) === referenceOf(call.jobId);
    return isOurs
      ? answered(receipt)
      : { kind: "ambiguous", code: "key_conflict", detail: "It answered with another charge." };
  }
  const declineCode = reply.status === 422 ? declineIn(reply) : undefined;
  if (declineCode === undefined) return unsuccessful();
  return answered({
    status: "declined",
    amountMinor: request.amountMinor,
    currency: request.currency,
    declineCode,
  });
}

/** https://developer.paypal.com/api/rest/reference/orders/v2/errors/: refused by whoever pays, or by what stands behind the payment source. */
const declines: ReadonlySet<string> = new Set([
  "CARD_BRAND_NOT_SUPPORTED",
  "CARD_CLOSED",
  "CARD_EXPIRED",
  "COMPLIANCE_VIOLATION",
  "DECLINED_DUE_TO_RELATED_TXN",
  "DOMESTIC_TRANSACTION_REQUIRED",
  "INSTRUMENT_DECLINED",
  "MAX_NUMBER_OF_PAYMENT_ATTEMPTS_EXCEEDED",
  "PAYEE_BLOCKED_TRANSACTION",
  "PAYER_ACCOUNT_LOCKED_OR_CLOSED",
  "PAYER_ACCOUNT_RESTRICTED",
  "PAYER_ACTION_REQUIRED",
  "PAYER_CANNOT_PAY",
  "PAYMENT_SOURCE_CANNOT_BE_USED",
  "PAYMENT_SOURCE_DECLINED_BY_PROCESSOR",
  "PAYMENT_SOURCE_INFO_CANNOT_BE_VERIFIED",
  "REDIRECT_PAYER_FOR_ALTERNATE_FUNDING",
  "REFERENCED_CARD_EXPIRED",
  "TRANSACTION_LIMIT_EXCEEDED",
  "TRANSACTION_RECEIVING_LIMIT_EXCEEDED",
  "TRANSACTION_REFUSED",
]);

function declineIn(reply: Extract<NonNullable<Carried["reply"]>, { at: "answered" }>): string | undefined {
  const error = errorOf(reply);
  if (error?.name !== "UNPROCESSABLE_ENTITY") return undefined;
  return error.details?.find(({ issue }) => declines.has(issue))?.issue;
}
