import {
  type Ending,
  type Envelope,
  openEnvelope,
  type Outcome,
  standing,
  effectOfOutcome,
  UNKNOWN_PROVIDER,
  WORKER_LOST,
} from "@understudy/core";

import type { DeadLetter } from "./dead-letter.ts";

interface Stored {
  readonly letter: DeadLetter;
  readonly payload: unknown;
}

/**
 * The envelope of a letter's job for its next life, as JSON. The trail stays: effects accumulate, and evidence survives. After
 * effect none was proved the next generation may use a new key; otherwise it is the same life under the same key, with one more
 * possible copy allowed.
 * @param starts how often BullMQ started the job in the life that ended
 * @returns undefined when the data is not an envelope of this release
 */
export function renew(
  { letter, payload }: Stored,
  { now, starts }: { readonly now: number; readonly starts: number },
): string | undefined {
  const old = envelopeAfterLosses(letter, payload, starts);
  if (old === undefined) return undefined;
  const { ended: _, lookUp: __, bound, ...envelope } = old.envelope;
  const isUnknown = letter.effect === "maybe";
  const renewed: Envelope = {
    ...envelope,
    lifeStartedAt: now,
    attempt: 0,
    startsSettled: 0,
    redrives: (envelope.redrives ?? 0) + 1,
    generation: isUnknown ? envelope.generation : envelope.generation + 1,
    ...(isUnknown ? { grantedCopies: (envelope.grantedCopies ?? 0) + Math.max(1, old.lost) } : {}),
    ...(isUnknown && bound !== undefined ? { bound } : {}),
  };
  return JSON.stringify(renewed);
}

/**
 * The envelope of a letter's job so that a worker looks up what became of it, and does nothing else; its life goes on where it
 * ended.
 */
export function toLookUp({ letter, payload }: Stored, starts: number): string | undefined {
  const old = envelopeAfterLosses(letter, payload, starts);
  if (old === undefined) return undefined;
  const { ended, ...envelope } = old.envelope;
  const { cause, effect, reason, diedAt } = letter;
  const lookUp: Ending = ended ?? { cause, effect, reason, at: diedAt };
  return JSON.stringify({ ...envelope, startsSettled: 0, lookUp });
}

/** The letter of a job of which a person says that it has had no effect: the proof goes into its trail. */
export function released(
  { letter, payload }: Stored,
  { by, reason, now }: { readonly by: string; readonly reason: string; readonly now: number },
): string | undefined {
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
    detail: `${by}: ${reason}`,
    provider,
    at: now,
    durationMs: 0,
    provesNone: true,
  }));
  const { bound: _, ended, ...rest } = envelope;
  const effect = "none";
  const after: Envelope = {
    ...rest,
    trail: [...envelope.trail, ...proofs],
    ...(ended === undefined ? {} : { ended: { ...ended, effect } }),
  };
  return JSON.stringify({ deadLetter: { ...letter, effect }, payload: after });
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
