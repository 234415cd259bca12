import type {
  ChargeReceipt,
  Failure,
  LookUp,
  LookUpCall,
  paymentCharge,
  paymentRefund,
  RefundReceipt,
} from "@understudy/core";

import { whatCounts } from "../payment/answers.ts";
import { implementLookUp } from "../transport/implement-look-up.ts";
import { payPalClient, type PayPalConfig } from "./client.ts";
import { referenceOf } from "./reference.ts";
import { type Transaction, transactionsSince } from "./transactions.ts";

/** A payment of the job is in the account's report, under its id. */
export function lookUpCharge(config: PayPalConfig): LookUp<typeof paymentCharge> {
  const client = payPalClient(config);
  return implementLookUp<typeof paymentCharge>("paypal", client.secrets, async (request, call) => {
    const report = await transactionsSince(client, call);
    if ("kind" in report) return report;
    const own = report.transactions.filter((one) => isOf(one, call));
    if (own.length === 0) return report.isCurrent ? "not_found" : notReady;
    const payments = own.filter((one) => isOfKind(one, "T00"));
    // Its id on something else, such as a hold, and no payment: what that is nobody here knows.
    return payments.length === 0 ? "cannot_tell" : whatCounts(payments.map(receiptOf), request);
  });
}

export function lookUpRefund(config: PayPalConfig): LookUp<typeof paymentRefund> {
  const client = payPalClient(config);
  return implementLookUp<typeof paymentRefund>("paypal", client.secrets, async (request, call) => {
    const report = await transactionsSince(client, call);
    if ("kind" in report) return report;
    const refunds = report.transactions.filter(
      (one) => isOfKind(one, "T11") && (one.paypal_reference_id ?? request.chargeId) === request.chargeId,
    );
    const own = refunds.filter((one) => isOf(one, call));
    if (own.length > 0) return whatCounts(own.map(receiptOfRefund), request);
    // The charge may well bear the same id: its job is of another queue.
    const isOther = (one: Transaction) => isOf(one, call) && one.transaction_id !== request.chargeId;
    if (report.transactions.some(isOther)) return "cannot_tell";
    // It may be ours under the id of its charge: reports do not always show a refund's own.
    const isLike = refunds.some(
      ({ transaction_amount }) =>
        transaction_amount.amountMinor === request.amountMinor &&
        transaction_amount.currency === request.currency,
    );
    if (isLike) return "cannot_tell";
    return report.isCurrent ? "not_found" : notReady;
  });
}

/** It is asked again later. */
const notReady: Failure = {
  kind: "unavailable",
  code: "report_not_ready",
  detail: "The report was not refreshed since the job's calls must be in it.",
};

function isOf({ custom_field, invoice_id }: Transaction, { jobId }: LookUpCall): boolean {
  const reference = referenceOf(jobId);
  return custom_field === reference || invoice_id === reference;
}

/** https://developer.paypal.com/docs/transaction-search/transaction-event-codes/: T00 is a payment, T11 what is given back. */
function isOfKind({ transaction_event_code }: Transaction, group: "T00" | "T11"): boolean {
  return transaction_event_code.startsWith(group);
}

function receiptOf({
  transaction_id,
  transaction_status,
  transaction_amount,
}: Transaction): ChargeReceipt | undefined {
  const about = { chargeId: transaction_id, ...transaction_amount };
  if (transaction_status === "S" || transaction_status === "V") return { status: "captured", ...about };
  if (transaction_status === "P") return { status: "pending", ...about };
  return transaction_status === "D" ? { status: "declined", ...about, declineCode: "DENIED" } : undefined;
}

function receiptOfRefund({
  transaction_id,
  transaction_status,
  transaction_amount,
}: Transaction): RefundReceipt | undefined {
  const about = { refundId: transaction_id, ...transaction_amount };
  if (transaction_status === "S") return { status: "refunded", ...about };
  if (transaction_status === "P") return { status: "pending", ...about };
  return transaction_status === "D" ? { status: "declined", ...about, declineCode: "DENIED" } : undefined;
}
