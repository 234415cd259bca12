import { factsOf, spendsAttempt } from "./failure-table.ts";
import type { JobPolicy } from "./job.ts";
import { type Delivered, effectOf, type Failure, type Outcome, type Trail } from "./outcome.ts";
import { backoff } from "./retry.ts";

/** Why a job became a dead letter. For people: a redrive reads the effect, never the cause. */
export const causes = [
  "rejected",
  "exhausted",
  "ambiguous",
  "expired",
  "invalid",
  "unknown_job",
  "stalled",
  "undelivered",
] as const;
export type Cause = (typeof causes)[number];

/** What happens to the job now. */
export type Verdict<Receipt = unknown> =
  | { readonly kind: "complete"; readonly receipt: Receipt }
  /** Spends an attempt. */
  | { readonly kind: "retry"; readonly delayMs: number }
  /** Does not. */
  | { readonly kind: "snooze"; readonly delayMs: number }
  | { readonly kind: "dead_letter"; readonly cause: Cause; readonly effect: "none" | "maybe" };

export interface Facts<Receipt = unknown> {
  /** The outcomes of all earlier attempts. */
  readonly history: Trail;
  /** The outcomes of this attempt. */
  readonly trail: Trail<Receipt>;
  /** Attempts spent before this one. */
  readonly attempt: number;
  /** Epoch milliseconds. */
  readonly lifeStartedAt: number;
  /** Whether anybody may be asked again although the effect is unknown (see `mayCall`). */
  readonly canAskAgain: boolean;
  readonly now: number;
  /** In [0, 1). */
  readonly random: number;
}

const SNOOZE_MS = 1000;

/**
 * The whole retry policy of the platform, and its only authority. In a mixed trail the first that holds decides:
 * delivered; unresolved ambiguous; rejected; unavailable; pace.
 */
export function decide<Receipt>(job: JobPolicy, facts: Facts<Receipt>): Verdict<Receipt> {
  const delivered = facts.trail.find(
    (o): o is Outcome<Receipt> & Delivered<Receipt> => o.kind === "delivered",
  );
  if (delivered !== undefined) return { kind: "complete", receipt: delivered.receipt };

  const effect = effectSoFar(facts);
  if (effect === "maybe" && !facts.canAskAgain) return deadLetter("ambiguous", effect);

  const failures = facts.trail.filter((o): o is Outcome & Failure => o.kind !== "delivered");
  if (effect === "none" && failures.some((o) => factsOf(o).fault === "request"))
    return deadLetter("rejected", effect);

  if (!failures.some(spendsAttempt))
    return later(job, facts, { kind: "snooze", delayMs: snoozeMs(failures, facts.random) });

  const spent = facts.attempt + 1;
  if (spent >= job.retry.attempts) return deadLetter(effect === "maybe" ? "ambiguous" : "exhausted", effect);
  const delayMs = Math.max(backoff(job.retry, spent, facts.random), soonestMs(failures) ?? 0);
  return later(job, facts, { kind: "retry", delayMs });
}

/** The verdict a job already has before anybody is asked, if any: too old, out of attempts, or not to be sent again. */
export function foregone(job: JobPolicy, facts: Omit<Facts, "trail" | "random">): Verdict<never> | undefined {
  const effect = effectSoFar({ ...facts, trail: [] });
  if (effect === "maybe" && !facts.canAskAgain) return deadLetter("ambiguous", effect);
  if (facts.attempt >= job.retry.attempts)
    return deadLetter(effect === "maybe" ? "ambiguous" : "exhausted", effect);
  if (facts.now >= facts.lifeStartedAt + job.maxAgeMs)
    return deadLetter(effect === "maybe" ? "ambiguous" : "expired", effect);
  return undefined;
}

function effectSoFar({ history, trail }: Pick<Facts, "history" | "trail">): "none" | "maybe" {
  return effectOf([...history, ...trail]) === "none" ? "none" : "maybe";
}

function deadLetter(cause: Cause, effect: "none" | "maybe"): Verdict<never> {
  return { kind: "dead_letter", cause, effect };
}

/** Waiting past the end of the life is waiting for nothing. */
function later(
  job: JobPolicy,
  facts: Facts,
  verdict: { readonly kind: "retry" | "snooze"; readonly delayMs: number },
): Verdict<never> {
  if (facts.now + verdict.delayMs < facts.lifeStartedAt + job.maxAgeMs) return verdict;
  const effect = effectSoFar(facts);
  return deadLetter(effect === "maybe" ? "ambiguous" : "expired", effect);
}

/** Until the first of those who said "later" may be asked, spread so that a crowd does not come back as one. */
function snoozeMs(failures: readonly Failure[], random: number): number {
  return Math.ceil((soonestMs(failures) ?? SNOOZE_MS) * (1 + random / 4));
}

function soonestMs(failures: readonly Failure[]): number | undefined {
  const waits = failures.map((o) => o.retryAfterMs).filter((ms) => ms !== undefined);
  return waits.length === 0 ? undefined : Math.min(...waits);
}
