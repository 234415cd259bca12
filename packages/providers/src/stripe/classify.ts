import type { Failure } from "@understudy/core";
import * as z from "zod";

import { paymentFailureOf, type VendorError } from "../payment/classify.ts";
import type { Carried } from "../transport/carry.ts";
import { parseJson } from "../transport/classify.ts";
import type { Answered, Reply } from "../transport/transport.ts";

/** https://docs.stripe.com/api/errors */
const errorBody = z.object({
  error: z.object({
    type: z.string(),
    code: z.string().nullish(),
    decline_code: z.string().nullish(),
    message: z.string().nullish(),
    param: z.string().nullish(),
    payment_intent: z.unknown().optional(),
  }),
});
export type StripeError = z.output<typeof errorBody>["error"];

export function errorOf(answer: Answered): StripeError | undefined {
  return errorBody.safeParse(parseJson(answer.body.toString())).data?.error;
}

/** The failure that a call amounts to when it was neither done nor declined. */
export function failureOf(carried: Carried, signal: AbortSignal): Failure {
  return paymentFailureOf(carried, signal, (answer) => {
    const error = errorOf(answer);
    return error === undefined ? undefined : meaningOf(answer.status, error);
  });
}

function meaningOf(status: number, { type, code, message, param }: StripeError): VendorError {
  const words = [code ?? type, param, message].filter((part) => part != null).join(": ");
  if (status === 409 && code === "idempotency_key_in_use")
    return { words, kind: "ambiguous", code: "in_progress" };
  if (status === 400 && type === "idempotency_error")
    return { words, kind: "ambiguous", code: "key_conflict" };
  if (type !== "invalid_request_error") return { words };
  // Stripe answers 404 when an object of the request is missing, and when the address itself is wrong.
  if ((status === 400 || status === 404) && code === "resource_missing")
    return isCharge(param)
      ? { words, kind: "rejected", code: "unknown_charge" }
      : // The token of another account, or of a customer who is gone: whoever else has one may serve.
        { words, kind: "unavailable", code: "unknown_token" };
  if (status === 400) return { words, kind: "rejected", code: "http_400" };
  return status === 404 ? { words, kind: "unavailable", code: "misconfigured" } : { words };
}

function isCharge(param: string | null | undefined): boolean {
  return param === "charge" || param === "payment_intent";
}

/** Stripe's id of the request, which its support asks for. */
export function requestIdOf(reply: Reply | undefined): { readonly requestId?: string } {
  const id = reply?.at === "answered" ? reply.headers["request-id"] : undefined;
  return typeof id === "string" ? { requestId: id } : {};
}
