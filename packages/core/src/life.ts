import type { Duplicates } from "./capability.ts";
import { factsOf } from "./failure-table.ts";
import { effectOf, effectOfOutcome, type Outcome, possibleCopies, type Trail } from "./outcome.ts";
import type { Idempotency } from "./provider.ts";

/** The provider that may have acted on a job whose effect must not be doubled, written down before the call. */
export interface Binding {
  readonly provider: string;
  /** Epoch milliseconds; the vendor's memory of the key is counted from here. */
  readonly firstSentAt: number;
}

/** What lies behind a job when it is about to ask somebody: the past decides who may still be asked. */
export interface Life {
  readonly duplicates: Duplicates;
  /** How many copies may exist in all where they are tolerated; 1 to hold what is unknown. */
  readonly maxPossibleCopies: number;
  /** The outcomes of all earlier attempts. */
  readonly history: Trail;
  readonly bound?: Binding;
}

export function withBinding({ bound: _, ...life }: Life, bound: Binding | undefined): Life {
  return bound === undefined ? life : { ...life, bound };
}

/** Who would be asked, and what its memory of keys is worth. */
export interface Candidate {
  readonly provider: string;
  readonly idempotency: Idempotency;
}

/** Taken off a vendor's horizon for a slow call and for clocks that disagree. */
const HORIZON_MARGIN_MS = 120_000;

/** Whether this answer ends the attempt, whoever is left on the route. */
export function endsAttempt(outcome: Outcome): boolean {
  if (outcome.kind === "delivered") return true;
  const { fault } = factsOf(outcome);
  return fault === "request" || fault === "key";
}

/** Whether `candidate` may be asked now, after everything that was answered so far. The heart of failover. */
export function mayCall(candidate: Candidate, life: Life, trail: Trail, now: number): boolean {
  const past = [...life.history, ...trail];
  if (life.duplicates === "harmless" || effectOf(past) === "none")
    return life.bound === undefined || isBoundTo(life, candidate);
  if (life.duplicates === "forbidden") {
    return isAllKnownToBeAt(candidate, life, past) && replays(candidate, life, past, now);
  }
  if (replays(candidate, life, past, now)) return true;
  return copiesLeft(candidate, life, past, now);
}

/** Whether repeating at this provider is known to make no second effect: it surely was asked before and still knows the key. */
function replays(candidate: Candidate, life: Life, past: Trail, now: number): boolean {
  const wasAsked = past.some((o) => o.provider === candidate.provider && effectOfOutcome(o) !== "none");
  if (!wasAsked) return false;
  if (candidate.idempotency === "natural") return true;
  if (candidate.idempotency === "none") return false;
  return (
    now < firstSentAt(candidate.provider, life, past) + candidate.idempotency.horizonMs - HORIZON_MARGIN_MS
  );
}

function firstSentAt(provider: string, { bound }: Life, past: Trail): number {
  const sent = past.filter((o) => o.provider === provider && effectOfOutcome(o) !== "none").map((o) => o.at);
  return Math.min(...sent, bound?.provider === provider ? bound.firstSentAt : Infinity);
}

function copiesLeft(candidate: Candidate, life: Life, past: Trail, now: number): boolean {
  const keyed = (provider: string): boolean =>
    provider === candidate.provider && replays(candidate, life, past, now);
  return possibleCopies(past, keyed) < life.maxPossibleCopies;
}

/** Whether every call of unknown fate was surely made to this provider, which alone can replay it. */
function isAllKnownToBeAt(candidate: Candidate, life: Life, past: Trail): boolean {
  if (life.bound !== undefined && !isBoundTo(life, candidate)) return false;
  return past.every(
    (outcome) => effectOfOutcome(outcome) === "none" || outcome.provider === candidate.provider,
  );
}

function isBoundTo({ bound }: Life, { provider }: Candidate): boolean {
  return bound?.provider === provider;
}
