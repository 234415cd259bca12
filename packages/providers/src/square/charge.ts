import {
  type Adapter,
  type Call,
  type ChargeReceipt,
  type ChargeRequest,
  type Implementation,
  paymentCharge,
} from "@understudy/core";
import * as z from "zod";

import { answered } from "../payment/answers.ts";
import { customerOf, tokenOf } from "../payment/tokens.ts";
import { parseJson } from "../transport/classify.ts";
import { implement } from "../transport/implement.ts";
import type { Reply } from "../transport/transport.ts";
import { errorOf, failureOf, isAboutToken } from "./classify.ts";
import { squareClient, type SquareConfig } from "./client.ts";
import { lookUpCharge } from "./look-up.ts";
import { isTaken, payment, receiptOf, refusalOf } from "./payment.ts";
import { referenceOf } from "./reference.ts";

const minute = 60_000;

export const charge: Implementation<SquareConfig, typeof paymentCharge> = {
  capability: paymentCharge,
  // How long Square remembers a key is not published; a day is what others keep at least.
  idempotency: { horizonMs: 24 * 60 * minute, maxKeyLength: 45 },
  create,
  accepts: (request) => tokenOf(request, "square") !== undefined && isTaken(request.currency),
  // "New payments might take several seconds to appear."
  lookUp: { trustNotFoundAfterMs: 10 * minute, create: lookUpCharge },
};

function create(config: SquareConfig): Adapter<typeof paymentCharge> {
  const client = squareClient(config);
  return implement<typeof paymentCharge>("square", [config.accessToken], async (request, call) => {
    const carried = await client.post("/v2/payments", bodyOf(request, call, config.locationId), call.signal);
    const receipt = receiptIn(carried.reply, request);
    return receipt === undefined ? failureOf(carried, call.signal, "unknown_token") : answered(receipt);
  });
}

/** https://developer.squareup.com/reference/square/payments-api/create-payment */
function bodyOf(
  request: ChargeRequest,
  { jobId, idempotencyKey }: Call,
  locationId: string | undefined,
): unknown {
  const { amountMinor, currency, description } = request;
  return {
    source_id: tokenOf(request, "square"),
    idempotency_key: idempotencyKey,
    amount_money: { amount: amountMinor, currency },
    autocomplete: true,
    customer_id: customerOf(request, "square"),
    location_id: locationId,
    reference_id: referenceOf(jobId),
    note: [description, `[job ${jobId}]`]
      .filter((part) => part !== undefined)
      .join(" ")
      .slice(0, 500),
  };
}

const made = z.object({ payment });
const failed = z.object({ payment: payment.optional() });

function receiptIn(
  reply: Reply | undefined,
  { amountMinor, currency }: ChargeRequest,
): ChargeReceipt | undefined {
  if (reply?.at !== "answered") return undefined;
  const said = parseJson(reply.body.toString());
  if (reply.status === 200) {
    const taken = made.safeParse(said).data;
    return taken === undefined ? undefined : receiptOf(taken.payment);
  }
  if (reply.status !== 400 && reply.status !== 402) return undefined;
  const error = errorOf(reply);
  if (error?.category !== "PAYMENT_METHOD_ERROR" || isAboutToken(error)) return undefined;
  const id = failed.safeParse(said).data?.payment?.id;
  return refusalOf(error.code, { ...(id !== undefined && { chargeId: id }), amountMinor, currency });
}
