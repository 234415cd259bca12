import * as fc from "fast-check";

import type { Delivered, Failure, Outcome } from "../outcome.ts";
import type { Facts } from "../verdict.ts";

type Parts = (Delivered | Failure) &
  Partial<Pick<Outcome, "provider" | "at" | "count" | "lookUp" | "provesNone">>;

/** An outcome of which a test cares only about some parts. */
export function outcome(parts: Parts): Outcome {
  return { provider: "a", at: 0, durationMs: 1, ...parts };
}

export function failure(parts: Failure): Failure {
  return parts;
}

const provider = fc.constantFrom("a", "b", "c");
const at = fc.integer({ min: 0, max: 1_000_000 });
const retryAfterMs = fc.option(fc.integer({ min: 0, max: 86_400_000 }), { nil: undefined });

const anyFailure = fc
  .record({
    kind: fc.constantFrom("rejected", "unavailable", "throttled", "withheld", "ambiguous"),
    code: fc.constantFrom("timeout", "http_503", "in_progress", "unauthorized", "interrupted"),
    retryAfterMs,
    provider,
    at,
  })
  .map(({ retryAfterMs: wait, ...parts }) =>
    outcome(wait === undefined ? parts : { ...parts, retryAfterMs: wait }),
  );

const anyDelivery = fc
  .record({ provider, at })
  .map((parts) => outcome({ kind: "delivered", receipt: {}, final: true, ...parts }));

export const anyOutcome: fc.Arbitrary<Outcome> = fc.oneof(
  { weight: 6, arbitrary: anyFailure },
  { weight: 1, arbitrary: anyDelivery },
);

export const anyPolicy = fc.record({
  retry: fc.record({
    attempts: fc.integer({ min: 1, max: 20 }),
    baseMs: fc.integer({ min: 1, max: 10_000 }),
    maxMs: fc.integer({ min: 10_000, max: 600_000 }),
  }),
  maxAgeMs: fc.integer({ min: 1000, max: 86_400_000 }),
});

export const anyFacts: fc.Arbitrary<Facts> = fc.record({
  history: fc.array(anyFailure, { maxLength: 8 }),
  trail: fc.array(anyOutcome, { minLength: 1, maxLength: 5 }),
  attempt: fc.nat({ max: 19 }),
  lifeStartedAt: fc.integer({ min: 0, max: 1_000_000 }),
  canAskAgain: fc.boolean(),
  now: fc.integer({ min: 1_000_000, max: 2_000_000 }),
  random: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
});
