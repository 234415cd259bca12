import type { Failure, FailureKind } from "@understudy/core";
import * as z from "zod";

import { paymentFailureOf, type VendorError } from "../payment/classify.ts";
import type { Carried } from "../transport/carry.ts";
import { parseJson } from "../transport/classify.ts";
import type { Answered } from "../transport/transport.ts";

/** https://developer.paypal.com/api/rest/responses/#link-errorresponses */
const ownError = z.object({
  name: z.string(),
  message: z.string().optional(),
  debug_id: z.string().optional(),
  details: z
    .array(z.object({ issue: z.string(), field: z.string().optional(), description: z.string().optional() }))
    .optional(),
});
export type PayPalError = z.output<typeof ownError>;

/** What it says of a token (RFC 6749, 5.2) has another shape. */
const tokenError = z
  .object({ error: z.string(), error_description: z.string().optional() })
  .transform(({ error, error_description }): PayPalError => ({ name: error, message: error_description }));
const errorBody = z.union([ownError, tokenError]);

export function errorOf(answer: Answered): PayPalError | undefined {
  return errorBody.safeParse(parseJson(answer.body.toString())).data;
}

/** What an issue means where nothing was done, and where that is not sure. Of https://developer.paypal.com/api/rest/reference/orders/v2/errors/ */
const issues: Readonly<Record<string, readonly [Exclude<FailureKind, "withheld">, code: string]>> = {
  PREVIOUS_REQUEST_IN_PROGRESS: ["ambiguous", "in_progress"],
  DUPLICATE_REQUEST_ID: ["ambiguous", "key_conflict"],
  PAYPAL_REQUEST_ID_PREVIOUSLY_USED: ["ambiguous", "key_conflict"],
  // Our invoice ids are the jobs' own: this job has been paid, or given back, under another key.
  DUPLICATE_INVOICE_ID: ["ambiguous", "key_conflict"],
  // Whoever else has a token may serve.
  TOKEN_ID_NOT_FOUND: ["unavailable", "unknown_token"],
  BILLING_AGREEMENT_NOT_FOUND: ["unavailable", "unknown_token"],
  AGREEMENT_ALREADY_CANCELLED: ["unavailable", "unknown_token"],
  MISMATCHED_VAULT_ID_TO_PAYMENT_SOURCE: ["unavailable", "unknown_token"],
  TOKEN_EXPIRED: ["unavailable", "token_expired"],
  // The charge is not through yet.
  PENDING_CAPTURE: ["throttled", "charge_pending"],
  PAYEE_ACCOUNT_LOCKED_OR_CLOSED: ["unavailable", "account_suspended"],
  PAYEE_ACCOUNT_RESTRICTED: ["unavailable", "account_suspended"],
  REFUND_IS_RESTRICTED: ["unavailable", "forbidden"],
};

/** The failure that a call amounts to when it was neither done nor declined. */
export function failureOf(
  carried: Carried,
  signal: AbortSignal,
  notFound: "unknown_token" | "unknown_charge",
): Failure {
  return paymentFailureOf(carried, signal, (answer) => {
    const error = errorOf(answer);
    return error === undefined ? undefined : meaningOf(answer.status, error, notFound);
  });
}

function meaningOf(status: number, error: PayPalError, notFound: string): VendorError {
  const words = wordsOf(error);
  if (status !== 400 && status !== 404 && status !== 409 && status !== 422) return { words };
  for (const { issue } of error.details ?? []) {
    const [kind, code] = issues[issue] ?? [];
    if (kind !== undefined && code !== undefined) return { words, kind, code };
    // NOT_ENABLED_FOR_CARD_PROCESSING, NOT_ELIGIBLE_FOR_TOKEN_PROCESSING …: what the account may do.
    if (/^NOT_E(?:NABLED|LIGIBLE)_/u.test(issue)) return { words, kind: "unavailable", code: "forbidden" };
  }
  if (status === 404 && error.name === "RESOURCE_NOT_FOUND")
    return { words, kind: notFound === "unknown_token" ? "unavailable" : "rejected", code: notFound };
  const isRefusal =
    (status === 400 && error.name === "INVALID_REQUEST") ||
    (status === 422 && error.name === "UNPROCESSABLE_ENTITY" && isAboutFields(error));
  return isRefusal ? { words, kind: "rejected", code: `http_${status}` } : { words };
}

/** Of other issues it is not sure that nothing was done: one says that an order has been captured already. */
function isAboutFields({ details = [] }: PayPalError): boolean {
  return (
    details.length > 0 &&
    details.every(({ issue }) =>
      /^(?:INVALID_|MISSING_|MALFORMED_|UNSUPPORTED_|CANNOT_BE_|DECIMAL_|DECIMALS_|CURRENCY_|MAX_VALUE_EXCEEDED|.*_MISMATCH$|.*_NOT_SUPPORTED$)/u.test(
        issue,
      ),
    )
  );
}

function wordsOf({ name, message, details = [] }: PayPalError): string {
  const said = details.map(({ issue, field, description }) =>
    [issue, field, description].filter((part) => part !== undefined).join(": "),
  );
  return said.length > 0 ? said.join("; ") : `${name}: ${message ?? ""}`;
}

/** PayPal's id of the request, which its support asks for. */
export function requestIdOf({ reply }: Carried): { readonly requestId?: string } {
  if (reply?.at !== "answered") return {};
  const id = reply.headers["paypal-debug-id"] ?? errorOf(reply)?.debug_id;
  return typeof id === "string" ? { requestId: id } : {};
}
