import type { LookUp, paymentCharge, paymentRefund } from "@understudy/core";
import * as z from "zod";

import { whatCounts } from "../payment/answers.ts";
import { everyPage, isFailure, type Page } from "../payment/pages.ts";
import type { Carried } from "../transport/carry.ts";
import { parseJson } from "../transport/classify.ts";
import { implementLookUp } from "../transport/implement-look-up.ts";
import { failureOf } from "./classify.ts";
import { squareClient, type SquareConfig } from "./client.ts";
import { payment, paymentRefundObject, receiptOf, receiptOfRefund } from "./payment.ts";
import { markOf, referenceOf } from "./reference.ts";

/** Square's clock may be behind ours. */
const SKEW_MS = 300_000;

/** Lists the payments of this amount since the job's first call: https://developer.squareup.com/reference/square/payments-api/list-payments */
export function lookUpCharge(config: SquareConfig): LookUp<typeof paymentCharge> {
  const client = squareClient(config);
  return implementLookUp<typeof paymentCharge>("square", [config.accessToken], async (request, call) => {
    const found = await everyPage(async (cursor) => {
      const query = {
        begin_time: since(call.sentAfter),
        sort_order: "ASC",
        total: String(request.amountMinor),
        location_id: config.locationId,
        limit: "100",
        cursor,
      };
      const carried = await client.get("/v2/payments", query, call.signal);
      return pageIn(carried, paymentPage) ?? failureOf(carried, call.signal, "unknown_charge");
    });
    if (isFailure(found)) return found;
    const reference = referenceOf(call.jobId);
    return whatCounts(found.filter(({ reference_id }) => reference_id === reference).map(receiptOf), request);
  });
}

/** https://developer.squareup.com/reference/square/refunds-api/list-payment-refunds */
export function lookUpRefund(config: SquareConfig): LookUp<typeof paymentRefund> {
  const client = squareClient(config);
  return implementLookUp<typeof paymentRefund>("square", [config.accessToken], async (request, call) => {
    const found = await everyPage(async (cursor) => {
      const query = { begin_time: since(call.sentAfter), sort_order: "ASC", limit: "100", cursor };
      const carried = await client.get("/v2/refunds", query, call.signal);
      return pageIn(carried, refundPage) ?? failureOf(carried, call.signal, "unknown_charge");
    });
    if (isFailure(found)) return found;
    const mark = markOf(call.jobId);
    const own = found.filter(
      ({ payment_id, reason }) => payment_id === request.chargeId && reason?.endsWith(mark),
    );
    return whatCounts(own.map(receiptOfRefund), request);
  });
}

function since(sentAfter: number): string {
  return new Date(Math.max(sentAfter - SKEW_MS, 0)).toISOString();
}

/** An empty list is left out, and so is the cursor of the last page. Anything else may be anybody's JSON. */
const common = { cursor: z.string().optional() };
const paymentPage = z
  .strictObject({ payments: z.array(payment).default([]), ...common })
  .transform(({ payments, cursor = "" }) => ({ items: payments, ...(cursor !== "" && { next: cursor }) }));
const refundPage = z
  .strictObject({ refunds: z.array(paymentRefundObject).default([]), ...common })
  .transform(({ refunds, cursor = "" }) => ({ items: refunds, ...(cursor !== "" && { next: cursor }) }));

function pageIn<Item>({ reply }: Carried, schema: z.ZodType<Page<Item>>): Page<Item> | undefined {
  if (reply?.at !== "answered" || reply.status !== 200) return undefined;
  // That there is nothing must be Square's own word: it says by which version of its API it speaks.
  if (reply.headers["square-version"] === undefined) return undefined;
  return schema.safeParse(parseJson(reply.body.toString())).data;
}
