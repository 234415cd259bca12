import type { Failure, FailureKind } from "@understudy/core";
import * as z from "zod";

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
 * For money, before the general table: in front of the vendor stand proxies that answer 404 to what they have passed on, so only
 * the vendor's own words count. And a 503 may come from behind the point where money moved, whatever it says of coming back.
 */
const careful: readonly StatusRule[] = [404, 405, 413, 415, 503].map(nobodyKnows);

/** The vendor's words, and yet none that refuse. */
const unclear: readonly StatusRule[] = [400, 422].map(nobodyKnows);

/** Somebody else's words, perhaps put in the place of an answer that said that money moved. */
const foreign: readonly StatusRule[] = [401, 403, 429].map((status) => ({
  status,
  kind: "ambiguous",
  code: "malformed_answer",
}));

function nobodyKnows(status: number): StatusRule {
  return { status, kind: "ambiguous", code: `http_${status}` };
}

/** The failure that a carried call amounts to, by the vendor's own words where there are any. */
export function paymentFailureOf(
  carried: Carried,
  signal: AbortSignal,
  read: (answer: Answered) => VendorError | undefined,
): Failure {
  const { reply } = carried;
  if (reply?.at !== "answered") return generalFailureOf(carried, signal, { rules: [], body: z.never() });
  const error = reply.status >= 300 ? read(reply) : undefined;
  const { kind, code = `http_${reply.status}` } = error ?? {};
  const own = kind === undefined ? [] : [{ status: reply.status, kind, code }];
  const isForeign = error === undefined && reply.body.toString().trim() !== "";
  const failure = generalFailureOf(carried, signal, {
    rules: [...own, ...careful, ...(error === undefined ? [] : unclear), ...(isForeign ? foreign : [])],
    body: kind === "rejected" ? z.unknown() : z.never(),
  });
  return error === undefined ? failure : { ...failure, detail: error.words };
}
