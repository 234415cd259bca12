import { createHash } from "node:crypto";

import type { Adapter, Call, Capability, Idempotency } from "@understudy/core";

/** Hands the adapter a key that its vendor takes: one that is too long becomes its digest, the same each time. */
export function withFittingKey<C extends Capability>(
  idempotency: Idempotency,
  adapter: Adapter<C>,
): Adapter<C> {
  if (typeof idempotency === "string") return adapter;
  const { maxKeyLength } = idempotency;
  return (request, call) => adapter(request, fitting(call, maxKeyLength));
}

function fitting(call: Call, maxLength: number): Call {
  const { idempotencyKey } = call;
  if (idempotencyKey.length <= maxLength) return call;
  const digest = createHash("sha256").update(idempotencyKey).digest("hex");
  return { ...call, idempotencyKey: digest.slice(0, Math.min(maxLength, 32)) };
}
