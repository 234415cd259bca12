import type {
  Adapter,
  Call,
  Capability,
  Delivered,
  Failure,
  OutcomeMeta,
  ReceiptOf,
  RequestOf,
} from "@understudy/core";

import { detailOf } from "./detail.ts";

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
  return async (request, call) => {
    const at = Date.now();
    const started = performance.now();
    const answer = await attempt(ask, request, call);
    const durationMs = Math.round(performance.now() - started);
    if (answer.kind === "delivered" || answer.detail === undefined)
      return { ...answer, provider, at, durationMs };
    return { ...answer, detail: detailOf(answer.detail, { secrets, request }), provider, at, durationMs };
  };
}

async function attempt<C extends Capability>(
  ask: (request: RequestOf<C>, call: Call) => Promise<Answer<ReceiptOf<C>>>,
  request: RequestOf<C>,
  call: Call,
): Promise<Answer<ReceiptOf<C>>> {
  try {
    return await ask(request, call);
  } catch (error) {
    return { kind: "ambiguous", code: "adapter_threw", detail: String(error) };
  }
}
