import type {
  Adapter,
  Call,
  Capability,
  Delivered,
  Failure,
  Outcome,
  OutcomeMeta,
  ReceiptOf,
  RequestOf,
} from "@understudy/core";

import { detailOf } from "./detail.ts";
import { type Ear, hearing } from "./pace.ts";

/** What an adapter's own code says; who, when and how long is added here. */
export type Answer<Receipt> = (Delivered<Receipt> | Failure) & OutcomeMeta;

/**
 * Makes an adapter of a function that asks: it never throws, its outcome carries provider, time and duration, and its detail
 * holds neither secrets nor the payload.
 */
export function implement<C extends Capability>(
  provider: string,
  secrets: readonly string[],
  ask: (request: RequestOf<C>, call: Call) => Promise<Answer<ReceiptOf<C>>>,
): Adapter<C> {
  return (request, call) => outcomeOf(provider, { secrets, request }, () => ask(request, call));
}

/** What `implement` promises, for one answer; with what the vendor said of the account's pace. */
export async function outcomeOf<Receipt>(
  provider: string,
  scrub: { readonly secrets: readonly string[]; readonly request: unknown },
  ask: () => Promise<Answer<Receipt>>,
): Promise<Outcome<Receipt>> {
  const at = Date.now();
  const started = performance.now();
  const ear: Ear = {};
  let answer: Answer<Receipt>;
  try {
    answer = await hearing(ear, ask);
  } catch (error) {
    answer = { kind: "ambiguous", code: "adapter_threw", detail: String(error) };
  }
  const durationMs = Math.round(performance.now() - started);
  if (answer.kind === "delivered" || answer.detail === undefined)
    return { ...answer, ...ear, provider, at, durationMs };
  return { ...answer, ...ear, detail: detailOf(answer.detail, scrub), provider, at, durationMs };
}
