import * as z from "zod";

import { type Effect, factsOf, type FailureKind } from "./failure-table.ts";

export interface Delivered<Receipt = unknown> {
  readonly kind: "delivered";
  readonly receipt: Receipt;
  /** False: accepted, the vendor will tell later (webhook, poll). */
  readonly final: boolean;
  /** Parts that were not delivered, such as single recipients. `permanent` ones are not worth another try. */
  readonly undelivered?: readonly Undelivered[];
}

export interface Undelivered {
  readonly item: string;
  readonly code: string;
  readonly permanent: boolean;
}

export interface Failure {
  readonly kind: FailureKind;
  /** Stable and searchable: "unauthorized", "circuit_open", "http_503", "worker_lost". */
  readonly code: string;
  /** For people; never a secret, never the payload. */
  readonly detail?: string;
  /** Milliseconds from `at`. */
  readonly retryAfterMs?: number;
}

/** What an adapter knows; `Outcome` adds who was asked and when. */
export interface OutcomeMeta {
  /** The vendor's id of the request, for its support. */
  readonly requestId?: string;
  /** The vendor's id of what was made, for look-ups. */
  readonly externalId?: string;
  /** What the vendor says is left of the account's limit. For gates alone: it is taken off before an outcome goes further. */
  readonly pace?: Pace;
}

/** How many more calls an account may make, and in how many milliseconds the count starts anew. */
export interface Pace {
  readonly remaining: number;
  readonly resetsInMs: number;
}

/** What one provider answered to one call. */
export type Outcome<Receipt = unknown> = (Delivered<Receipt> | Failure) &
  OutcomeMeta & {
    readonly provider: string;
    /** Epoch milliseconds at which the call began. */
    readonly at: number;
    readonly durationMs: number;
    /** How many alike outcomes this one stands for; 1 when absent. See `compact`. */
    readonly count?: number;
    /** When the last of them ended, epoch milliseconds; absent when it stands for itself alone. */
    readonly lastAt?: number;
    /** The provider was asked whether an earlier call had its effect, and not to have it. */
    readonly lookUp?: true;
    /**
     * Not a call but evidence: nothing that was asked of this provider before had an effect. A look-up that may be trusted
     * says so, or a person who released the job.
     */
    readonly provesNone?: true;
  };

/** The outcomes of a job's calls, in order. */
export type Trail<Receipt = unknown> = readonly Outcome<Receipt>[];

/** The provider of an outcome of which nobody knows who was asked: a worker was lost in the middle of a call. */
export const UNKNOWN_PROVIDER = "unknown";

/** The code of that outcome. */
export const WORKER_LOST = "worker_lost";

/** The provider of an outcome that no provider had a part in: nobody on the route could be asked. */
export const NO_PROVIDER = "route";

export const pseudoProviders: ReadonlySet<string> = new Set([UNKNOWN_PROVIDER, NO_PROVIDER]);

export function effectOfOutcome(outcome: Outcome): Effect {
  if (outcome.kind === "delivered") return "done";
  return outcome.lookUp ? "none" : factsOf(outcome).effect;
}

/** Epoch milliseconds at which the call, or the last of those it stands for, was over. */
export function endedAt({ at, durationMs, lastAt }: Outcome): number {
  return lastAt ?? at + durationMs;
}

/**
 * Whether these calls count against the job's limit of attempts: somebody delivered, refused, or could not. When everybody
 * only said "later" nothing was learnt, and they do not.
 */
export function spendsAttempt(trail: Trail): boolean {
  return trail.some((outcome) => {
    if (outcome.lookUp) return false;
    const fault = outcome.kind === "delivered" ? "provider" : factsOf(outcome).fault;
    return fault === "provider" || fault === "request";
  });
}

/** The outcomes that count: what a later proof has shown to have had no effect is left out. */
export function standing(trail: Trail): Trail {
  if (!trail.some(({ provesNone }) => provesNone)) return trail;
  const disproved = new Set<string>();
  const counting = trail.toReversed().filter(({ provider, provesNone }) => {
    if (provesNone) disproved.add(provider);
    return !disproved.has(provider);
  });
  return counting.toReversed();
}

/**
 * The accumulated effect of all calls, or of those that one provider may have seen. "None" only while every call ended
 * none: after one unknown call, a later refusal says nothing about it (only a delivered replay does, or a proof).
 */
export function effectOf(trail: Trail, provider?: string): Effect {
  let effect: Effect = "none";
  for (const outcome of standing(trail)) {
    if (provider !== undefined && outcome.provider !== provider && outcome.provider !== UNKNOWN_PROVIDER)
      continue;
    const own = effectOfOutcome(outcome);
    if (own === "done") return "done";
    if (own === "maybe") effect = "maybe";
  }
  return effect;
}

/**
 * How many copies of the effect may exist. Repeats under a key that the provider replays make no further copy;
 * `replays` names such providers.
 */
export function possibleCopies(trail: Trail, replays: (provider: string) => boolean = () => false): number {
  const keyed = new Set<string>();
  let copies = 0;
  for (const outcome of standing(trail)) {
    if (effectOfOutcome(outcome) === "none") continue;
    if (replays(outcome.provider)) keyed.add(outcome.provider);
    else copies += outcome.count ?? 1;
  }
  return copies + keyed.size;
}

/** Whether the trail says that the outside world may hold more than one copy. */
export function mayBeDuplicated(trail: Trail): boolean {
  return possibleCopies(trail) > 1;
}

const KEEP_WHOLE = 24;

/**
 * Bounds a trail: the first and the last outcome of each provider stay, and every proof; those between are folded to one of
 * each kind with a count, where the first of them stood. Effects and copies are the same before and after.
 */
export function compact(trail: Trail): Trail {
  if (trail.length <= KEEP_WHOLE) return trail;
  const first = new Map<string, number>();
  const last = new Map<string, number>();
  for (const [index, { provider }] of trail.entries()) {
    if (!first.has(provider)) first.set(provider, index);
    last.set(provider, index);
  }
  const kept: Outcome[] = [];
  const folded = new Map<string, number>();
  for (const [index, outcome] of trail.entries()) {
    const { provider, kind, lookUp = false, provesNone } = outcome;
    // What a proof speaks of must not be folded with what came after it.
    if (provesNone) for (const key of folded.keys()) if (key.startsWith(`${provider} `)) folded.delete(key);
    const key = `${provider} ${kind} ${lookUp}`;
    const place = folded.get(key);
    const before = place === undefined ? undefined : kept[place];
    if (first.get(provider) === index || last.get(provider) === index || provesNone) kept.push(outcome);
    else if (place === undefined || before === undefined) folded.set(key, kept.push(outcome) - 1);
    else kept[place] = foldedWith(before, outcome);
  }
  return kept;
}

function foldedWith(before: Outcome, outcome: Outcome): Outcome {
  return {
    ...outcome,
    // The oldest time stays: a vendor's memory of a key counts from the first call.
    at: Math.min(before.at, outcome.at),
    lastAt: Math.max(endedAt(before), endedAt(outcome)),
    count: (before.count ?? 1) + (outcome.count ?? 1),
  };
}

const meta = {
  provider: z.string(),
  at: z.number(),
  durationMs: z.number(),
  count: z.int().positive().optional(),
  lastAt: z.number().optional(),
  lookUp: z.literal(true).optional(),
  provesNone: z.literal(true).optional(),
  requestId: z.string().optional(),
  externalId: z.string().optional(),
};
const failure = {
  code: z.string(),
  detail: z.string().optional(),
  retryAfterMs: z.number().nonnegative().optional(),
  ...meta,
};

/** A trail as it is read back from Redis. */
export const trailSchema: z.ZodType<Trail> = z.array(
  z.discriminatedUnion("kind", [
    z.object({
      kind: z.literal("delivered"),
      receipt: z.unknown(),
      final: z.boolean(),
      undelivered: z
        .array(z.object({ item: z.string(), code: z.string(), permanent: z.boolean() }))
        .optional(),
      ...meta,
    }),
    z.object({
      kind: z.enum(["rejected", "unavailable", "throttled", "withheld", "ambiguous"]),
      ...failure,
    }),
  ]),
) as z.ZodType<Trail>;
