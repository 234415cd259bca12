import {
  amountMinor,
  type ChargeReceipt,
  defineJob,
  paymentRefund,
  refundRequest,
  type RefundRequest,
} from "@understudy/core";
import * as z from "zod";

const day = 86_400_000;

/** By the job that charged, as long as its receipt stays. */
const ofJob = z.strictObject({
  charge: z
    .string()
    .regex(
      /^(?:charge-card-[\w-]{20}|repeat:charge-card\.[\w.-]+:\d+)$/u,
      "must be the id of a charge-card job",
    ),
  /** All of it when absent. */
  amountMinor: amountMinor.optional(),
  reason: refundRequest.shape.reason,
});

/** Gives back a charge or a part of it, at the provider that took it. Waits for the charge; one that took nothing rejects it. */
export const refundCharge = defineJob({
  name: "refund-charge",
  queue: "payments",
  // The second is for a charge whose receipt is long gone: what stood in it.
  payload: z.union([ofJob, refundRequest]),
  capability: paymentRefund,
  after: {
    job: (payload) => ("charge" in payload ? payload.charge : undefined),
    objection: (payload, { receipt }) => objectionTo(payload.amountMinor, receipt as ChargeReceipt),
  },
  toRequest: (payload, earlier) =>
    "charge" in payload
      ? refundOf(payload, earlier?.provider ?? "", earlier?.receipt as ChargeReceipt)
      : payload,
  // It may have to wait for a person who settles the charge.
  maxAgeMs: 30 * day,
  keepCompletedMs: 30 * day,
  sensitive: ["reason"],
});

function objectionTo(wanted: number | undefined, receipt: ChargeReceipt): string | undefined {
  if (receipt.status === "declined") return "was declined: nothing was taken";
  // What was pending then may be through by now: its provider knows.
  return (wanted ?? 0) > receipt.amountMinor ? "took less than is to be given back" : undefined;
}

function refundOf(
  { amountMinor: wanted, reason }: z.output<typeof ofJob>,
  provider: string,
  receipt: ChargeReceipt,
): RefundRequest {
  return {
    provider,
    chargeId: receipt.chargeId ?? "",
    amountMinor: wanted ?? receipt.amountMinor,
    currency: receipt.currency,
    ...(reason === undefined ? {} : { reason }),
  };
}
