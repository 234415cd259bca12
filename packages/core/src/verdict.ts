import { factsOf } from "./failure-table.ts";
import type { JobPolicy } from "./job.ts";
import {
  type Delivered,
  effectOf,
  type Failure,
  type Outcome,
  spendsAttempt,
  type Trail,
} from "./outcome.ts";
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
  "cancelled",
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
  /** From when the provider should be asked what became of earlier calls, epoch milliseconds; see `lookUpAt` of life.ts. */
  readonly lookUpAt?: number | undefined;
  /** How the job's life had ended: a person wanted it looked up, and nothing else done. */
  readonly lookUp?: { readonly cause: Cause } | undefined;
  /** When the job should be done, epoch milliseconds: a try that would come after it comes before. */
  readonly deliverBy?: number | undefined;
  /** A person or program has cancelled the job while it was asked for. */
  readonly isCancelled?: boolean;
  readonly now: number;
  /** In [0, 1). */
  readonly random: number;
}

/**
 * The whole retry policy of the platform, and its only authority. In a mixed trail the first that holds decides:
 * delivered; unresolved ambiguous; rejected; unavailable; pace.
 */
export function decide<Receipt>(job: JobPolicy, facts: Facts<Receipt>): Verdict<Receipt> {
  const verdict = judge(job, facts);
  if (facts.lookUp === undefined) return orLookUp(verdict, facts);
  // A person wanted to know, not to have it done: unless it turned out to be, the job is a dead letter again.
  if (verdict.kind === "complete") return verdict;
  const effect = effectSoFar(facts);
  const { cause } = facts.lookUp;
  return deadLetter(cause === "ambiguous" && effect === "none" ? "exhausted" : cause, effect);
}

function judge<Receipt>(job: JobPolicy, facts: Facts<Receipt>): Verdict<Receipt> {
  const delivered = facts.trail.find(
    (o): o is Outcome<Receipt> & Delivered<Receipt> => o.kind === "delivered",
  );
  if (delivered !== undefined) return { kind: "complete", receipt: delivered.receipt };

  const effect = effectSoFar(facts);
  if (facts.isCancelled === true) return deadLetter("cancelled", effect);
  if (effect === "maybe" && !facts.canAskAgain) return deadLetter("ambiguous", effect);

  const failures = facts.trail.filter((o): o is Outcome & Failure => o.kind !== "delivered");
  // Wrong wherever it is sent: asking again teaches nothing about an earlier call of unknown fate either.
  if (failures.some((o) => factsOf(o).fault === "request")) {
    return deadLetter(effect === "maybe" ? "ambiguous" : "rejected", effect);
  }
  if (!spendsAttempt(facts.trail)) {
    const soonestMs = soonest(failures, backoff(job.retry, 1 + timesTold(facts.history), 1));
    // When a gate of ours opens is a guess: a last try before the end of the life is better than none.
    const isOurs = failures.every(({ kind }) => kind === "withheld");
    const hardMs = isOurs ? Math.min(soonestMs, leftMs(job, facts) - LAST_CALL_MS) : soonestMs;
    return later(job, facts, "snooze", hardMs, Math.ceil(soonestMs * (1 + facts.random / 4)));
  }
  const spent = facts.attempt + 1;
  if (spent >= job.retry.attempts) return deadLetter(effect === "maybe" ? "ambiguous" : "exhausted", effect);
  const soonestMs = soonest(failures, 0);
  return later(job, facts, "retry", soonestMs, Math.max(soonestMs, backoff(job.retry, spent, facts.random)));
}

/** How often the job was last told "later", one time after another: whoever does not say when is asked less and less often. */
function timesTold(history: Trail): number {
  const last = history.findLastIndex((outcome) => spendsAttempt([outcome]) || outcome.provesNone);
  return history.slice(last + 1).reduce((sum, { count = 1 }) => sum + count, 0);
}

/**
 * The verdict a job already has before anybody is asked, if any: too old, out of attempts, or not to be sent again; or to wait
 * until its provider may be asked what became of it, for no time at all when that is now.
 */
export function foregone(job: JobPolicy, facts: Omit<Facts, "trail" | "random">): Verdict<never> | undefined {
  if (facts.lookUp !== undefined) return undefined;
  const verdict = over(job, facts);
  return verdict && orLookUp(verdict, facts);
}

function over(job: JobPolicy, facts: Omit<Facts, "trail" | "random">): Verdict<never> | undefined {
  const effect = effectSoFar({ ...facts, trail: [] });
  if (effect === "maybe" && !facts.canAskAgain) return deadLetter("ambiguous", effect);
  if (facts.attempt >= job.retry.attempts)
    return deadLetter(effect === "maybe" ? "ambiguous" : "exhausted", effect);
  if (facts.now >= facts.lifeStartedAt + job.maxAgeMs)
    return deadLetter(effect === "maybe" ? "ambiguous" : "expired", effect);
  return undefined;
}

/** A job of unknown effect is not given up while its provider can still be asked whether it happened. */
function orLookUp<Receipt>(
  verdict: Verdict<Receipt>,
  { lookUpAt, now }: Pick<Facts, "lookUpAt" | "now">,
): Verdict<Receipt> {
  const isGivenUp = verdict.kind === "dead_letter" && verdict.cause === "ambiguous";
  return isGivenUp && lookUpAt !== undefined
    ? { kind: "snooze", delayMs: Math.max(0, lookUpAt - now) }
    : verdict;
}

function effectSoFar({ history, trail }: Pick<Facts, "history" | "trail">): "none" | "maybe" {
  return effectOf([...history, ...trail]) === "none" ? "none" : "maybe";
}

function deadLetter(cause: Cause, effect: "none" | "maybe"): Verdict<never> {
  return { kind: "dead_letter", cause, effect };
}

/** The last call of a life should be made a little before its end. */
const LAST_CALL_MS = 1000;

/**
 * Waits as wanted, but not past the end of the life, where nothing is worth waiting for.
 * @param soonestMs before which nobody may be asked; below 0 when there is no time left for anybody
 */
function later(
  job: JobPolicy,
  facts: Facts,
  kind: "retry" | "snooze",
  soonestMs: number,
  wantedMs: number,
): Verdict<never> {
  const left = leftMs(job, facts);
  const effect = effectSoFar(facts);
  if (soonestMs >= left || soonestMs < 0)
    return deadLetter(effect === "maybe" ? "ambiguous" : "expired", effect);
  const inTimeMs = Math.max(soonestMs, left - LAST_CALL_MS);
  return { kind, delayMs: Math.min(wantedMs, inTimeMs, beforeDeadlineMs(job, facts, soonestMs)) };
}

function leftMs({ maxAgeMs }: JobPolicy, { lifeStartedAt, now }: Facts): number {
  return lifeStartedAt + maxAgeMs - now;
}

/** Half of what is left until the deadline, so that several tries find room in it. */
function beforeDeadlineMs({ retry }: JobPolicy, { deliverBy, now }: Facts, soonestMs: number): number {
  if (deliverBy === undefined || deliverBy <= now) return Infinity;
  return Math.max(soonestMs, retry.baseMs, Math.ceil((deliverBy - now) / 2));
}

/** Milliseconds until the first of them may be asked again; those who did not say count as `unsaidMs`. */
function soonest(failures: readonly Failure[], unsaidMs: number): number {
  const waits = failures.map(({ retryAfterMs = unsaidMs }) => retryAfterMs);
  return waits.length === 0 ? unsaidMs : Math.min(...waits);
}
