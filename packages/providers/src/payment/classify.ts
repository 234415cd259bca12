import type { Failure, FailureKind } from "@understudy/core";

import type { Carried } from "../transport/carry.ts";
import { failureOf as generalFailureOf, type StatusRule } from "../transport/classify.ts";
import type { Answered } from "../transport/transport.ts";

/** An error in the vendor's own shape. */
export interface VendorError {
  /** For people. */
  readonly words: string;
  /** What it means; absent where its status says all. */
  readonly kind?: Exclude<FailureKind, "withheld">;
  readonly code?: string;
}

/**
 * For money, before the general table. A refusal counts only in the vendor's own words: in front of it stand proxies that
 * answer 400 or 404 to what they have passed on. And a 503 may come from behind the point where money moved, whatever it says of
 * coming back.
 */
const careful: readonly StatusRule[] = [400, 404, 405, 413, 415, 422, 503].map((status) => ({
  status,
  kind: "ambiguous",
  code: `http_${status}`,
}));

/** The failure that a carried call amounts to, by the vendor's own words where there are any. */
export function paymentFailureOf(
  carried: Carried,
  signal: AbortSignal,
  read: (answer: Answered) => VendorError | undefined,
): Failure {
  const { reply } = carried;
  if (reply?.at !== "answered") return generalFailureOf(carried, signal, []);
  const error = reply.status >= 300 ? read(reply) : undefined;
  const { kind, code = `http_${reply.status}` } = error ?? {};
  const own = kind === undefined ? [] : [{ status: reply.status, kind, code }];
  const failure = generalFailureOf(carried, signal, [...own, ...careful]);
  return error === undefined ? failure : { ...failure, detail: error.words };
}
