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
import { parseJson } from "../transport/classify.ts";
import { implement } from "../transport/implement.ts";
import type { Reply } from "../transport/transport.ts";
import { errorOf, failureOf } from "./classify.ts";
import { squareClient, type SquareConfig } from "./client.ts";
import { lookUpRefund } from "./look-up.ts";
import { isTaken, paymentRefundObject, receiptOfRefund } from "./payment.ts";
import { markOf } from "./reference.ts";

const minute = 60_000;

export const refund: Implementation<SquareConfig, typeof paymentRefund> = {
  capability: paymentRefund,
  idempotency: { horizonMs: 24 * 60 * minute, maxKeyLength: 45 },
  create,
  accepts: ({ provider, currency }) => provider === "square" && isTaken(currency),
  lookUp: { trustNotFoundAfterMs: 10 * minute, create: lookUpRefund },
};

function create(config: SquareConfig): Adapter<typeof paymentRefund> {
  const client = squareClient(config);
  return implement<typeof paymentRefund>("square", [config.accessToken], async (request, call) => {
    const carried = await client.post("/v2/refunds", bodyOf(request, call), call.signal);
    const receipt = receiptIn(carried.reply, request);
    return receipt === undefined ? failureOf(carried, call.signal, "unknown_charge") : answered(receipt);
  });
}

/** https://developer.squareup.com/reference/square/refunds-api/refund-payment */
function bodyOf(
  { chargeId, amountMinor, currency, reason }: RefundRequest,
  { jobId, idempotencyKey }: Call,
): unknown {
  return {
    idempotency_key: idempotencyKey,
    payment_id: chargeId,
    amount_money: { amount: amountMinor, currency },
    reason: [reason, markOf(jobId)].filter((part) => part !== undefined).join(" "),
  };
}

/** https://developer.squareup.com/docs/build-basics/handling-errors: refused for good, whoever asks again. */
const final: ReadonlySet<string> = new Set([
  "REFUND_AMOUNT_INVALID",
  "PAYMENT_NOT_REFUNDABLE",
  "PAYMENT_NOT_REFUNDABLE_DUE_TO_DISPUTE",
  "REFUND_DECLINED",
  "INSUFFICIENT_FUNDS",
]);

const made = z.object({ refund: paymentRefundObject });

function receiptIn(
  reply: Reply | undefined,
  { amountMinor, currency }: RefundRequest,
): RefundReceipt | undefined {
  if (reply?.at !== "answered") return undefined;
  if (reply.status === 200) {
    const given = made.safeParse(parseJson(reply.body.toString())).data;
    return given === undefined ? undefined : receiptOfRefund(given.refund);
  }
  const error = reply.status === 400 || reply.status === 402 ? errorOf(reply) : undefined;
  return error !== undefined && final.has(error.code)
    ? { status: "declined", amountMinor, currency, declineCode: error.code }
    : undefined;
}
