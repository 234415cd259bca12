import type { Failure, LookUp, LookUpCall, paymentCharge, paymentRefund } from "@understudy/core";
import * as z from "zod";

import { whatCounts } from "../payment/answers.ts";
import { everyPage, isFailure, type Page } from "../payment/pages.ts";
import { carry } from "../transport/carry.ts";
import { parseJson } from "../transport/classify.ts";
import { implementLookUp } from "../transport/implement-look-up.ts";
import { failureOf } from "./classify.ts";
import { paymentIntent, receiptOf } from "./payment-intent.ts";
import { chargeOf, receiptOfRefund, refundObject } from "./refund-object.ts";
import { stripeClient, type StripeConfig } from "./sdk.ts";

const PAGE = 100;
const SKEW_SECONDS = 300;

/** Searches the payment intents that carry the job's id: https://docs.stripe.com/api/payment_intents/search */
export function lookUpCharge(config: StripeConfig): LookUp<typeof paymentCharge> {
  const client = stripeClient(config);
  return implementLookUp<typeof paymentCharge>("stripe", [config.secretKey], async (request, call) => {
    const jobId = call.jobId.replaceAll(/["\\]/gu, String.raw`\$&`);
    const query = `created>=${since(call)} AND metadata["job_id"]:"${jobId}"`;
    const found = await everyPage((page) =>
      ask(call, searched, () =>
        client.paymentIntents.search({ query, limit: PAGE, ...(page !== undefined && { page }) }),
      ),
    );
    return isFailure(found) ? found : whatCounts(found.map(receiptOf), request);
  });
}

/** Lists the charge's refunds, which carry the ids of their jobs: https://docs.stripe.com/api/refunds/list */
export function lookUpRefund(config: StripeConfig): LookUp<typeof paymentRefund> {
  const client = stripeClient(config);
  return implementLookUp<typeof paymentRefund>("stripe", [config.secretKey], async (request, call) => {
    const found = await everyPage((cursor) =>
      ask(call, listed, () =>
        client.refunds.list({
          ...chargeOf(request.chargeId),
          limit: PAGE,
          ...(cursor !== undefined && { starting_after: cursor }),
        }),
      ),
    );
    if (isFailure(found)) return found;
    const own = found.filter(
      ({ metadata, created }) => metadata?.["job_id"] === call.jobId && (created ?? Infinity) >= since(call),
    );
    return whatCounts(own.map(receiptOfRefund), request);
  });
}

/** Seconds; an earlier job of the same id, long forgotten here, is not this one. Stripe's clock may be behind ours. */
function since({ sentAfter }: LookUpCall): number {
  return Math.max(0, Math.floor(sentAfter / 1000) - SKEW_SECONDS);
}

const searched = z
  .object({
    object: z.literal("search_result"),
    data: z.array(paymentIntent),
    has_more: z.boolean(),
    next_page: z.string().nullish(),
  })
  .transform(({ data, has_more, next_page }) => ({
    items: data,
    ...(has_more && next_page != null && { next: next_page }),
  }));

const listed = z
  .object({ object: z.literal("list"), data: z.array(refundObject), has_more: z.boolean() })
  .transform(({ data, has_more }) => {
    const last = data.at(-1)?.id;
    return { items: data, ...(has_more && last !== undefined && { next: last }) };
  });

async function ask<Item>(
  { signal }: LookUpCall,
  schema: z.ZodType<Page<Item>>,
  get: () => Promise<unknown>,
): Promise<Page<Item> | Failure> {
  const carried = await carry(signal, get);
  const { reply } = carried;
  const page =
    reply?.at === "answered" && reply.status === 200
      ? schema.safeParse(parseJson(reply.body.toString())).data
      : undefined;
  return page ?? failureOf(carried, signal);
}
