import {
  type Ending,
  type Envelope,
  envelopeSchema,
  hiding,
  openEnvelope,
  type Outcome,
  type Past,
  possibleCopies,
  standing,
  effectOfOutcome,
  UNKNOWN_PROVIDER,
  without,
  withPast,
  WORKER_LOST,
} from "@understudy/core";
import { fingerprint } from "@understudy/queue";

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
  /** The bulk action that it is part of. */
  readonly run?: string | undefined;
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
    ...(isUnknown ? copiesGranted(envelope, maxPossibleCopies) : {}),
    ...(isUnknown && bound !== undefined ? { bound } : {}),
    ...(provider === undefined ? {} : { chosen: provider }),
  };
  return written(renewed);
}

/** So many that one more may be made than may exist already. */
function copiesGranted(
  { grantedCopies = 0, trail }: Envelope,
  maxPossibleCopies: number,
): Pick<Envelope, "grantedCopies"> {
  const granted = Math.max(grantedCopies, possibleCopies(trail) + 1 - maxPossibleCopies);
  return granted > 0 ? { grantedCopies: granted } : {};
}

/** What a worker could not read would be lost: nothing is written that does not fit the schema. */
function written(envelope: Envelope): string {
  envelopeSchema.parse(envelope);
  return JSON.stringify(envelope);
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
  return written({ ...envelope, past, startsSettled: 0, lookUp: ended ?? endingOf(letter) });
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

/**
 * The letter with another payload.
 * @param paths those that were changed @param secrets what was sensitive in the payload as it was, hidden from now on
 */
export function edited(
  { letter, payload }: Stored,
  next: unknown,
  paths: readonly string[],
  secrets: readonly string[],
  who: By,
): Rewritten | undefined {
  const opened = openEnvelope(payload);
  if (opened.at !== "open") return undefined;
  const envelope = hiding(opened.envelope, secrets);
  const told = { ...letter, reason: without(letter.reason, secrets) };
  return rewritten(told, {
    ...envelope,
    payload: next,
    fingerprint: envelope.fingerprint ?? fingerprint(envelope.payload),
    isEdited: true,
    past: withPast(envelope.past, pastOf("edited", told, who, { paths })),
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
  return {
    letter,
    envelope,
    data: `{"deadLetter":${JSON.stringify(letter)},"payload":${written(envelope)}}`,
  };
}

function pastOf(
  did: Past["did"],
  letter: DeadLetter,
  { by, reason, now, run }: By,
  more: Pick<Past, "provider" | "paths"> = {},
): Past {
  const part = run === undefined ? {} : { run };
  return { did, at: now, by, reason, ended: endingOf(letter), ...part, ...more };
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
