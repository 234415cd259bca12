import { type Envelope, openEnvelope } from "@understudy/core";

import type { DeadLetter } from "./dead-letter.ts";

/**
 * The envelope of a letter's job for its next life, as JSON. The trail stays: effects accumulate, and evidence survives. After
 * effect none was proved the next generation may use a new key; otherwise it is the same life under the same key, with one more
 * possible copy allowed.
 * @returns undefined when the data is not an envelope of this release
 */
export function renew(
  { letter, payload }: { readonly letter: DeadLetter; readonly payload: unknown },
  now: number,
): string | undefined {
  const opened = openEnvelope(payload);
  if (opened.at !== "open") return undefined;
  const { ended: _, bound, ...envelope } = opened.envelope;
  const isUnknown = letter.effect === "maybe";
  const renewed: Envelope = {
    ...envelope,
    lifeStartedAt: now,
    attempt: 0,
    startsSettled: 0,
    redrives: (envelope.redrives ?? 0) + 1,
    generation: isUnknown ? envelope.generation : envelope.generation + 1,
    ...(isUnknown ? { grantedCopies: (envelope.grantedCopies ?? 0) + 1 } : {}),
    ...(isUnknown && bound !== undefined ? { bound } : {}),
  };
  return JSON.stringify(renewed);
}
