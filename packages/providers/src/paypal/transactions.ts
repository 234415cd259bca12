import type { Failure, LookUpCall } from "@understudy/core";
import * as z from "zod";

import { everyPage, isFailure, type Page } from "../payment/pages.ts";
import type { Carried } from "../transport/carry.ts";
import { parseJson } from "../transport/classify.ts";
import { errorOf, failureOf } from "./classify.ts";
import { paths, type PayPalClient } from "./client.ts";
import { money } from "./money.ts";

/** https://developer.paypal.com/docs/api/transaction-search/v1/#definition-transaction_info */
const transaction = z.object({
  transaction_id: z.string().min(1),
  paypal_reference_id: z.string().optional(),
  transaction_event_code: z.string(),
  /** S: done, P: pending, D: denied, V: done, and reversed later. */
  transaction_status: z.string(),
  transaction_amount: money,
  invoice_id: z.string().optional(),
  custom_field: z.string().optional(),
});
export type Transaction = z.output<typeof transaction>;

const report = z.object({
  transaction_details: z.array(z.object({ transaction_info: z.unknown() })),
  total_pages: z.int().nonnegative(),
  last_refreshed_datetime: z.iso.datetime({ offset: true }).optional(),
});

/** Payouts and conversions lack what payments have; of them only whose they are is read. */
const other = z
  .object({ invoice_id: z.string().optional(), custom_field: z.string().optional() })
  .transform((references): Transaction => ({
    transaction_id: "unread",
    transaction_event_code: "unread",
    transaction_status: "unread",
    transaction_amount: { amountMinor: 0, currency: "unread" },
    ...references,
  }));

export interface Report {
  readonly transactions: readonly Transaction[];
  /** Whether it surely shows what the job's calls did; PayPal writes its reports late. */
  readonly isCurrent: boolean;
}

const minute = 60_000;
const hour = 60 * minute;
/** "The maximum supported range is 31 days." */
const WINDOW_MS = 31 * 24 * hour;
const SKEW_MS = 5 * minute;
/** "It takes a maximum of three hours for executed transactions to appear." */
const LAG_MS = 3 * hour;

/** The account's transactions since the job's first call, all pages: https://developer.paypal.com/docs/api/transaction-search/v1/#search_get */
export async function transactionsSince(client: PayPalClient, call: LookUpCall): Promise<Report | Failure> {
  const now = Date.now();
  let isCurrent = true;
  const transactions: Transaction[] = [];
  for (let from = call.sentAfter - SKEW_MS; from < now; from += WINDOW_MS) {
    const window = { from, to: Math.min(from + WINDOW_MS, now) };
    const found = await everyPage(async (cursor = "1") => {
      const carried = await client.get(paths.transactions, queryOf(window, cursor), call.signal);
      if ("kind" in carried) return carried;
      const page = reportIn(carried);
      if (page === undefined) return refusalOf(carried, call.signal);
      const refreshed = page.last_refreshed_datetime;
      if (refreshed === undefined || Date.parse(refreshed) < call.endedAt + LAG_MS) isCurrent = false;
      return pageOf(page, Number(cursor));
    });
    if (isFailure(found)) return found;
    transactions.push(...found);
  }
  return { transactions, isCurrent };
}

function queryOf({ from, to }: { from: number; to: number }, page: string): Record<string, string> {
  return {
    start_date: new Date(from).toISOString(),
    end_date: new Date(to).toISOString(),
    fields: "transaction_info",
    // Pending ones too.
    balance_affecting_records_only: "N",
    page_size: "500",
    page,
  };
}

function reportIn({ reply }: Carried): z.output<typeof report> | undefined {
  if (reply?.at !== "answered" || reply.status !== 200) return undefined;
  return report.safeParse(parseJson(reply.body.toString())).data;
}

function pageOf(
  { transaction_details, total_pages }: z.output<typeof report>,
  page: number,
): Page<Transaction> {
  const items = transaction_details.flatMap(
    ({ transaction_info }) => z.union([transaction, other]).safeParse(transaction_info).data ?? [],
  );
  return { items, ...(page < total_pages && { next: String(page + 1) }) };
}

/** "Data for the given start date is not available": the report does not reach so far yet. */
function refusalOf(carried: Carried, signal: AbortSignal): Failure {
  const failure = failureOf(carried, signal, "unknown_charge");
  const { reply } = carried;
  const message = reply?.at === "answered" ? (errorOf(reply)?.message ?? "") : "";
  return /not available/iu.test(message)
    ? { ...failure, kind: "unavailable", code: "report_not_ready" }
    : failure;
}
