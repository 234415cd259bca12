import {
  type Ending,
  type Envelope,
  openEnvelope,
  type Outcome,
  type Past,
  possibleCopies,
  standing,
  effectOfOutcome,
  UNKNOWN_PROVIDER,
  withPast,
  WORKER_LOST,
} from "@understudy/core";

import type { DeadLetter } from "./dead-letter.ts";

interface Stored {
  readonly letter: DeadLetter;
  readonly payload: unknown;
}

/** Who does something to a letter, why, and when in epoch milliseconds. */
export interface By {
  readonly by: string;
  readonly reason: string;
  readonly now: number;
}

/**
 * The envelope of a letter's job for its next life, as JSON. The trail stays: effects accumulate, and evidence survives. After
 * effect none was proved, or its payload was edited, the next generation may use a new key; otherwise it is the same life under
 * the same key, with one more possible copy allowed than may exist already.
 * @param starts how often BullMQ started the job in the life that ended
 * @returns undefined when the data is not an envelope of this release
 */
export function renew(
  { letter, payload }: Stored,
  {
    starts,
    maxPossibleCopies,
    provider,
    ...who
  }: By & {
    readonly starts: number;
    readonly maxPossibleCopies: number;
    readonly provider?: string | undefined;
  },
): string | undefined {
  const old = envelopeAfterLosses(letter, payload, starts);
  if (old === undefined) return undefined;
  const { ended: _, lookUp: __, bound, isEdited, chosen: ___, ...envelope } = old.envelope;
  const isUnknown = letter.effect === "maybe";
  const renewed: Envelope = {
    ...envelope,
    lifeStartedAt: who.now,
    attempt: 0,
    startsSettled: 0,
    redrives: (envelope.redrives ?? 0) + 1,
    past: withPast(
      envelope.past,
      pastOf("redriven", letter, who, provider === undefined ? {} : { provider }),
    ),
    generation: isUnknown && isEdited !== true ? envelope.generation : envelope.generation + 1,
    ...(isUnknown ? { grantedCopies: grantedCopies(envelope, maxPossibleCopies) } : {}),
    ...(isUnknown && bound !== undefined ? { bound } : {}),
    ...(provider === undefined ? {} : { chosen: provider }),
  };
  return JSON.stringify(renewed);
}

/** So many that one more may be made than may exist already. */
function grantedCopies({ grantedCopies: before = 0, trail }: Envelope, maxPossibleCopies: number): number {
  return Math.max(before, possibleCopies(trail) + 1 - maxPossibleCopies);
}

/**
 * The envelope of a letter's job so that a worker looks up what became of it, and does nothing else; its life goes on where it
 * ended.
 */
export function toLookUp({ letter, payload }: Stored, starts: number, who: By): string | undefined {
  const old = envelopeAfterLosses(letter, payload, starts);
  if (old === undefined) return undefined;
  const { ended, ...envelope } = old.envelope;
  const past = withPast(envelope.past, pastOf("looked_up", letter, who));
  return JSON.stringify({ ...envelope, past, startsSettled: 0, lookUp: ended ?? endingOf(letter) });
}

/** The letter of a job of which a person says that it has had no effect: the proof goes into its trail. */
export function released({ letter, payload }: Stored, who: By): Rewritten | undefined {
  const opened = openEnvelope(payload);
  if (opened.at !== "open") return undefined;
  const { envelope } = opened;
  const unknown = standing(envelope.trail).filter((outcome) => effectOfOutcome(outcome) === "maybe");
  const providers = new Set([
    ...unknown.map(({ provider }) => provider),
    envelope.bound?.provider ?? UNKNOWN_PROVIDER,
  ]);
  const proofs = [...providers].map((provider): Outcome => ({
    kind: "unavailable",
    code: "released",
    detail: `${who.by}: ${who.reason}`,
    provider,
    at: who.now,
    durationMs: 0,
    provesNone: true,
  }));
  const { bound: _, ended, ...rest } = envelope;
  const effect = "none";
  return rewritten(
    { ...letter, effect },
    {
      ...rest,
      trail: [...envelope.trail, ...proofs],
      past: withPast(envelope.past, pastOf("released", letter, who)),
      ...(ended === undefined ? {} : { ended: { ...ended, effect } }),
    },
  );
}

/** The letter with another payload. @param paths those that were changed */
export function edited(
  { letter, payload }: Stored,
  next: unknown,
  paths: readonly string[],
  who: By,
): Rewritten | undefined {
  const opened = openEnvelope(payload);
  if (opened.at !== "open") return undefined;
  const { envelope } = opened;
  return rewritten(letter, {
    ...envelope,
    payload: next,
    isEdited: true,
    past: withPast(envelope.past, pastOf("edited", letter, who, { paths })),
  });
}

/** A letter as it is to be stored. */
export interface Rewritten {
  readonly letter: DeadLetter;
  readonly envelope: Envelope;
  /** JSON. */
  readonly data: string;
}

function rewritten(letter: DeadLetter, envelope: Envelope): Rewritten {
  return { letter, envelope, data: JSON.stringify({ deadLetter: letter, payload: envelope }) };
}

function pastOf(
  did: Past["did"],
  letter: DeadLetter,
  { by, reason, now }: By,
  more: Pick<Past, "provider" | "paths"> = {},
): Past {
  return { did, at: now, by, reason, ended: endingOf(letter), ...more };
}

function endingOf({ cause, effect, reason, diedAt }: DeadLetter): Ending {
  return { cause, effect, reason, at: diedAt };
}

/**
 * Starts that no settling write has seen were lost with their workers. BullMQ's counters begin anew when a letter is restored,
 * so they go into the trail.
 */
function envelopeAfterLosses(
  letter: DeadLetter,
  payload: unknown,
  starts: number,
): { readonly envelope: Envelope; readonly lost: number } | undefined {
  const opened = openEnvelope(payload);
  if (opened.at !== "open") return undefined;
  const { envelope } = opened;
  const lost = letter.effect === "maybe" ? Math.max(0, starts - envelope.startsSettled) : 0;
  if (lost === 0) return { envelope, lost };
  return {
    envelope: { ...envelope, trail: [...envelope.trail, workersLost(letter, envelope.bound, lost)] },
    lost,
  };
}

function workersLost({ diedAt }: DeadLetter, bound: Envelope["bound"], count: number): Outcome {
  return {
    kind: "ambiguous",
    code: WORKER_LOST,
    detail: "workers were lost while they ran this job",
    provider: bound?.provider ?? UNKNOWN_PROVIDER,
    at: diedAt,
    durationMs: 0,
    count,
  };
}
