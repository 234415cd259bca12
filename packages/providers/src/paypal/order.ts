import type { ChargeReceipt } from "@understudy/core";
import * as z from "zod";

import { money } from "./money.ts";

const capture = z.object({
  id: z.string().min(1),
  status: z.string(),
  status_details: z.object({ reason: z.string().optional() }).optional(),
  processor_response: z.object({ response_code: z.string().optional() }).optional(),
  amount: money,
  custom_id: z.string().optional(),
});

/** https://developer.paypal.com/docs/api/orders/v2/#definition-order, the part that tells what became of the money. */
export const order = z.object({
  id: z.string().min(1),
  status: z.string(),
  purchase_units: z
    .array(z.object({ payments: z.object({ captures: z.array(capture).optional() }).optional() }))
    .optional(),
  links: z.array(z.object({ href: z.string(), rel: z.string() })).optional(),
});
export type Order = z.output<typeof order>;
export type Capture = z.output<typeof capture>;

export function captureIn({ purchase_units = [] }: Order): Capture | undefined {
  return purchase_units[0]?.payments?.captures?.[0];
}

/** Undefined for what says nothing sure: an unknown status, or an order of which nothing was captured. */
export function receiptOf(
  made: Order,
  asked: { amountMinor: number; currency: string },
): ChargeReceipt | undefined {
  const taken = captureIn(made);
  if (taken !== undefined) return receiptOfCapture(taken);
  if (made.status !== "PAYER_ACTION_REQUIRED") return undefined;
  const link = made.links?.find(({ rel }) => rel === "payer-action" || rel === "approve");
  return {
    status: "needs_action",
    chargeId: made.id,
    amountMinor: asked.amountMinor,
    currency: asked.currency,
    ...(link !== undefined && { actionUrl: link.href }),
  };
}

/** A refund names the capture, not the order. */
function receiptOfCapture({
  id,
  status,
  status_details,
  processor_response,
  amount,
}: Capture): ChargeReceipt | undefined {
  const about = { chargeId: id, ...amount };
  switch (status) {
    case "COMPLETED":
    // A repeated request shows what has become of it since.
    case "PARTIALLY_REFUNDED":
    case "REFUNDED":
      return { status: "captured", ...about };
    case "PENDING":
      return { status: "pending", ...about };
    case "DECLINED":
    case "FAILED": {
      const declineCode = status_details?.reason ?? processor_response?.response_code ?? status;
      return { status: "declined", ...about, declineCode };
    }
    default:
      return undefined;
  }
}
