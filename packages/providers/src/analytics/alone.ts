import type { Adapter, analyticsTrack } from "@understudy/core";

import type { TrackBatch } from "./batch.ts";

/** A batch of one. */
export function alone(batch: TrackBatch): Adapter<typeof analyticsTrack> {
  return async (request, { jobId, idempotencyKey, signal }) => {
    const outcome = await batch([{ request, jobId, idempotencyKey }], { signal });
    if (outcome.kind !== "delivered") return outcome;
    const { kind: _, final: __, undelivered: ___, receipt, ...about } = outcome;
    const [own] = receipt;
    return own === undefined
      ? { ...about, kind: "ambiguous", code: "malformed_answer" }
      : { ...about, ...own };
  };
}
