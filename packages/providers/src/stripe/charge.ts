import {
  type Adapter,
  type Call,
  type ChargeReceipt,
  type ChargeRequest,
  type Implementation,
  paymentCharge,
} from "@understudy/core";
import type { Stripe } from "stripe";

import { answered } from "../payment/answers.ts";
import { customerOf, tokenOf } from "../payment/tokens.ts";
import { carry } from "../transport/carry.ts";
import { parseJson } from "../transport/classify.ts";
import { implement } from "../transport/implement.ts";
import type { Reply } from "../transport/transport.ts";
import { errorOf, failureOf, requestIdOf, type StripeError } from "./classify.ts";
import { lookUpCharge } from "./look-up.ts";
import { paymentIntent, receiptOf, refusalOf } from "./payment-intent.ts";
import { stripeClient, type StripeConfig } from "./sdk.ts";
import { unitsOf } from "./units.ts";

const hour = 3_600_000;

export const charge: Implementation<StripeConfig, typeof paymentCharge> = {
  capability: paymentCharge,
  // "Keys are removed after they're at least 24 hours old": https://docs.stripe.com/api/idempotent_requests
  idempotency: { horizonMs: 24 * hour, maxKeyLength: 255 },
  create,
  accepts: (request) =>
    tokenOf(request, "stripe") !== undefined && unitsOf(request.amountMinor, request.currency) !== undefined,
  // What was written is found by a search within a minute as a rule, in an outage later: https://docs.stripe.com/search#data-freshness
  lookUp: { trustNotFoundAfterMs: hour, create: lookUpCharge },
};

function create(config: StripeConfig): Adapter<typeof paymentCharge> {
  const client = stripeClient(config);
  return implement<typeof paymentCharge>("stripe", [config.secretKey], async (request, call) => {
    const carried = await carry(call.signal, () =>
      client.paymentIntents.create(paramsOf(request, call), { idempotencyKey: call.idempotencyKey }),
    );
    const receipt = receiptIn(carried.reply, request);
    return {
      ...(receipt === undefined ? failureOf(carried, call.signal) : answered(receipt)),
      ...requestIdOf(carried.reply),
    };
  });
}

/** https://docs.stripe.com/api/payment_intents/create */
function paramsOf(request: ChargeRequest, { jobId }: Call): Stripe.PaymentIntentCreateParams {
  const { amountMinor, currency, description, metadata } = request;
  const token = tokenOf(request, "stripe");
  const units = unitsOf(amountMinor, currency);
  if (token === undefined || units === undefined) throw new TypeError("stripe does not accept this charge");
  const customer = customerOf(request, "stripe");
  return {
    amount: units,
    currency: currency.toLowerCase(),
    payment_method: token,
    ...(customer !== undefined && { customer }),
    confirm: true,
    off_session: true,
    error_on_requires_action: false,
    // Nobody is there to be sent to another page and back.
    automatic_payment_methods: { enabled: true, allow_redirects: "never" },
    ...(description !== undefined && { description }),
    metadata: { ...metadata, job_id: jobId },
  };
}

function receiptIn(reply: Reply | undefined, request: ChargeRequest): ChargeReceipt | undefined {
  if (reply?.at !== "answered") return undefined;
  if (reply.status === 200) {
    const intent = paymentIntent.safeParse(parseJson(reply.body.toString())).data;
    return intent === undefined ? undefined : receiptOf(intent);
  }
  const error = reply.status === 402 ? errorOf(reply) : undefined;
  return error === undefined ? undefined : declineIn(error, request);
}

/** A card that was refused; or a payment of another kind, when its intent says that it failed. */
function declineIn(error: StripeError, { amountMinor, currency }: ChargeRequest): ChargeReceipt | undefined {
  const intent = paymentIntent.safeParse(error.payment_intent).data;
  if (error.type !== "card_error" && intent?.status !== "requires_payment_method") return undefined;
  const about = { ...(intent !== undefined && { chargeId: intent.id }), amountMinor, currency };
  return refusalOf(error, about, intent);
}
