import type {
  analyticsTrack,
  BatchAdapter,
  BatchItem,
  Failure,
  ItemOutcome,
  TrackReceipt,
} from "@understudy/core";

import { detailOf, type Scrub } from "../transport/detail.ts";
import { type Answer, outcomeOf } from "../transport/implement.ts";

export type TrackBatch = BatchAdapter<typeof analyticsTrack>;
export type TrackItem = BatchItem<typeof analyticsTrack>;
export type TrackOutcome = ItemOutcome<TrackReceipt>;

/** Makes a batch of a function that asks, as `implement` makes an adapter of one. */
export function implementBatch(
  provider: string,
  secrets: readonly string[],
  ask: (items: readonly TrackItem[], signal: AbortSignal) => Promise<Answer<readonly TrackOutcome[]>>,
): TrackBatch {
  return (items, { signal }) => {
    const requests = items.map(({ request }) => request);
    return outcomeOf(provider, { secrets, request: requests }, async () => {
      const answer = await ask(items, signal);
      if (answer.kind !== "delivered") return ofAll(answer, items.length);
      const receipt = answer.receipt.map((own, nth) => scrubbed(own, { secrets, request: requests[nth] }));
      return { ...answer, receipt };
    });
  };
}

/** The answer of a vendor that took everything. */
export function allTaken(items: readonly TrackItem[], final: boolean): Answer<readonly TrackOutcome[]> {
  const receipt = items.map(({ request }) => taken(request.events.length, final));
  return { kind: "delivered", final, receipt };
}

export function taken(accepted: number, final: boolean): Answer<TrackReceipt> {
  return { kind: "delivered", final, receipt: { accepted } };
}

/**
 * One event that a vendor refuses may refuse a whole batch, and its other jobs are not to die of it: they are tried again,
 * sooner or later in other company, and the guilty one alone.
 */
function ofAll<F extends Failure>(failure: F, count: number): F | (F & { kind: "unavailable" }) {
  return failure.kind === "rejected" && count > 1
    ? { ...failure, kind: "unavailable", code: "batch_refused" }
    : failure;
}

function scrubbed(own: TrackOutcome, scrub: Scrub): TrackOutcome {
  if (own.kind === "delivered" || own.detail === undefined) return own;
  return { ...own, detail: detailOf(own.detail, scrub) };
}
