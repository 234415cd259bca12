import type { Duplicates } from "./capability.ts";
import { factsOf } from "./failure-table.ts";
import {
  effectOf,
  effectOfOutcome,
  endedAt,
  type Outcome,
  possibleCopies,
  standing,
  type Trail,
} from "./outcome.ts";
import type { Idempotency } from "./provider.ts";

/** The provider that may have acted on a job whose effect must not be doubled, written down before the call. */
export interface Binding {
  readonly provider: string;
  /** Epoch milliseconds; the vendor's memory of the key is counted from here. */
  readonly firstSentAt: number;
  /** Of its `Candidate` then. */
  readonly account?: string;
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
  /** Differs when another account, or another place in it, is asked: that one remembers no keys and no calls of ours. */
  readonly account?: string;
  /** Whether it can be asked later what became of a call, and from when its "no" may be believed. */
  readonly lookUp?: { readonly trustNotFoundAfterMs: number };
}

/** Taken off a vendor's horizon for a slow call and for clocks that disagree. */
export const HORIZON_MARGIN_MS = 120_000;

/** Whether this answer ends the attempt, whoever is left on the route. */
export function endsAttempt(outcome: Outcome): boolean {
  if (outcome.kind === "delivered") return true;
  const { fault } = factsOf(outcome);
  return fault === "request" || fault === "key";
}

/** Whether `candidate` may be asked now, after everything that was answered so far. The heart of failover. */
export function mayCall(candidate: Candidate, life: Life, trail: Trail, now: number): boolean {
  const past = standing([...life.history, ...trail]);
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
  if (!wasAsked || !isAccountOf(life, candidate)) return false;
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

/** Whether it is the account, as far as anybody wrote it down, to which the job is bound. */
export function isAccountOf({ bound }: Life, { provider, account }: Candidate): boolean {
  const known = bound?.provider === provider ? bound.account : undefined;
  return known === undefined || account === undefined || known === account;
}

const MIN_LOOK_UP_EVERY_MS = 5000;
const MAX_LOOK_UP_EVERY_MS = 300_000;
const LOOK_UP_FOR_MS = 86_400_000;

/** The code of a look-up that the provider answered with neither yes nor no: asking again would not help. */
export const CANNOT_TELL = "cannot_tell";

/**
 * Epoch milliseconds from when `candidate` may be believed when it says that nothing of the job's has happened. Undefined
 * when it cannot be asked: it does not look up, there is nothing to ask about, or somebody else may have acted.
 */
export function trustedAt(candidate: Candidate, life: Life, trail: Trail): number | undefined {
  const past = standing([...life.history, ...trail]);
  const unknown = past.filter((outcome) => effectOfOutcome(outcome) === "maybe");
  const isOnlyHere = unknown.every(({ provider }) => provider === candidate.provider);
  if (candidate.lookUp === undefined || unknown.length === 0 || !isOnlyHere) return undefined;
  return Math.max(...unknown.map(endedAt)) + candidate.lookUp.trustNotFoundAfterMs;
}

/**
 * Epoch milliseconds from when `candidate` should be asked whether the job's effect has happened. Undefined when it cannot
 * be, has said that it cannot tell, or was asked for a day in vain.
 */
export function lookUpAt(candidate: Candidate, life: Life, trail: Trail): number | undefined {
  const trusted = trustedAt(candidate, life, trail);
  const last = standing([...life.history, ...trail]).findLast(({ lookUp }) => lookUp);
  if (trusted === undefined || last === undefined) return trusted;
  const isOver = "code" in last && last.code === CANNOT_TELL;
  if (isOver || endedAt(last) >= trusted + LOOK_UP_FOR_MS) return undefined;
  return Math.max(trusted, endedAt(last) + everyMs(candidate));
}

/** Books that lag are looked into less often. */
function everyMs({ lookUp }: Candidate): number {
  const wantedMs = (lookUp?.trustNotFoundAfterMs ?? 0) / 12;
  return Math.min(Math.max(wantedMs, MIN_LOOK_UP_EVERY_MS), MAX_LOOK_UP_EVERY_MS);
}

/** Epoch milliseconds before which nothing of the job was sent to this provider. */
export function sentAfter(provider: string, life: Life, trail: Trail): number {
  return firstSentAt(provider, life, standing([...life.history, ...trail]));
}
