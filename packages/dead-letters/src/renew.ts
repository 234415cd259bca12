import { type Envelope, openEnvelope, type Outcome, UNKNOWN_PROVIDER } from "@understudy/core";

import type { DeadLetter } from "./dead-letter.ts";

/**
 * The envelope of a letter's job for its next life, as JSON. The trail stays: effects accumulate, and evidence survives. After
 * effect none was proved the next generation may use a new key; otherwise it is the same life under the same key, with one more
 * possible copy allowed. Starts that no settling write has seen were lost with their workers; the counters begin anew, so
 * they go into the trail.
 * @param starts how often BullMQ started the job in the life that ended
 * @returns undefined when the data is not an envelope of this release
 */
export function renew(
  { letter, payload }: { readonly letter: DeadLetter; readonly payload: unknown },
  { now, starts }: { readonly now: number; readonly starts: number },
): string | undefined {
  const opened = openEnvelope(payload);
  if (opened.at !== "open") return undefined;
  const { ended: _, bound, ...envelope } = opened.envelope;
  const isUnknown = letter.effect === "maybe";
  const lost = isUnknown ? Math.max(0, starts - envelope.startsSettled) : 0;
  const renewed: Envelope = {
    ...envelope,
    lifeStartedAt: now,
    attempt: 0,
    startsSettled: 0,
    trail: lost > 0 ? [...envelope.trail, workersLost(letter, bound, lost)] : envelope.trail,
    redrives: (envelope.redrives ?? 0) + 1,
    generation: isUnknown ? envelope.generation : envelope.generation + 1,
    ...(isUnknown ? { grantedCopies: (envelope.grantedCopies ?? 0) + Math.max(1, lost) } : {}),
    ...(isUnknown && bound !== undefined ? { bound } : {}),
  };
  return JSON.stringify(renewed);
}

function workersLost({ diedAt }: DeadLetter, bound: Envelope["bound"], count: number): Outcome {
  return {
    kind: "ambiguous",
    code: "worker_lost",
    detail: "workers were lost while they ran this job",
    provider: bound?.provider ?? UNKNOWN_PROVIDER,
    at: diedAt,
    durationMs: 0,
    count,
  };
}
