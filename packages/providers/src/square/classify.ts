import type { Failure } from "@understudy/core";
import * as z from "zod";

import { paymentFailureOf, type VendorError } from "../payment/classify.ts";
import type { Carried } from "../transport/carry.ts";
import { parseJson } from "../transport/classify.ts";
import type { Answered } from "../transport/transport.ts";

/** https://developer.squareup.com/reference/square/objects/Error */
export const squareError = z.object({
  category: z.string(),
  code: z.string(),
  detail: z.string().optional(),
  field: z.string().optional(),
});
export type SquareError = z.output<typeof squareError>;

const errorBody = z.object({ errors: z.array(squareError).min(1) });

/** What Square has against the request; the first of its errors speaks for all of the same category, and no other may be there. */
export function errorOf(answer: Answered): SquareError | undefined {
  const [first, ...rest] = errorBody.safeParse(parseJson(answer.body.toString())).data?.errors ?? [];
  return rest.every(({ category }) => category === first?.category) ? first : undefined;
}

/** What a code means, when Square did nothing. The first two sets are of a charge, the third of what is configured. */
const usedTokens: ReadonlySet<string> = new Set(["CARD_TOKEN_USED", "SOURCE_USED"]);
const expiredTokens: ReadonlySet<string> = new Set(["CARD_TOKEN_EXPIRED", "SOURCE_EXPIRED"]);
const ours: ReadonlySet<string> = new Set([
  "INVALID_LOCATION",
  "LOCATION_MISMATCH",
  "CARD_PROCESSING_NOT_ENABLED",
  "INVALID_SQUARE_VERSION_FORMAT",
  "API_VERSION_INCOMPATIBLE",
]);

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

function meaningOf(
  status: number,
  { category, code, detail, field }: SquareError,
  notFound: string,
): VendorError {
  const words = [code, field, detail].filter((part) => part !== undefined).join(": ");
  if (code === "IDEMPOTENCY_KEY_REUSED") return { words, kind: "ambiguous", code: "key_conflict" };
  // Not published for a key in use; what else a new payment could be in conflict with is not known either.
  if (status === 409 && code === "CONFLICT") return { words, kind: "ambiguous", code: "in_progress" };
  const isRefusal = /^(?:INVALID_REQUEST|PAYMENT_METHOD|REFUND)_ERROR$/u.test(category);
  if (!isRefusal || (status !== 400 && status !== 402 && status !== 404)) return { words };
  if (ours.has(code) || field === "location_id") return { words, kind: "unavailable", code: "misconfigured" };
  if (code === "REFUND_ALREADY_PENDING") return { words, kind: "throttled", code: "refund_pending" };
  // Whoever else has a token may serve.
  if (usedTokens.has(code)) return { words, kind: "unavailable", code: "token_used" };
  if (expiredTokens.has(code)) return { words, kind: "unavailable", code: "token_expired" };
  if (code === "NOT_FOUND" || code === "CUSTOMER_NOT_FOUND")
    return { words, kind: notFound === "unknown_token" ? "unavailable" : "rejected", code: notFound };
  return { words, kind: "rejected", code: `http_${status}` };
}

/** A token that was used says nothing of who used it; it must not pass for a decline of this charge. */
export function isAboutToken({ code }: SquareError): boolean {
  return usedTokens.has(code) || expiredTokens.has(code);
}
