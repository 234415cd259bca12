import type { Envelope } from "./envelope.ts";
import type { Trail } from "./outcome.ts";
import type { Ending, Past } from "./past.ts";
import { without } from "./redact.ts";

/** An envelope in whose words about calls and lives none of `secrets` stands. Its payload stays as it is. */
export function hiding(envelope: Envelope, secrets: readonly string[]): Envelope {
  const { ended, lookUp, past } = envelope;
  return {
    ...envelope,
    trail: hidingInTrail(envelope.trail, secrets),
    ...(past === undefined ? {} : { past: hidingInPast(past, secrets) }),
    ...(ended === undefined ? {} : { ended: hidingInEnding(ended, secrets) }),
    ...(lookUp === undefined ? {} : { lookUp: hidingInEnding(lookUp, secrets) }),
  };
}

export function hidingInTrail(trail: Trail, secrets: readonly string[]): Trail {
  return trail.map((outcome) =>
    "detail" in outcome && outcome.detail !== undefined
      ? { ...outcome, detail: without(outcome.detail, secrets) }
      : outcome,
  );
}

export function hidingInPast(past: readonly Past[], secrets: readonly string[]): readonly Past[] {
  return past.map((one) => ({ ...one, ended: hidingInEnding(one.ended, secrets) }));
}

function hidingInEnding(ending: Ending, secrets: readonly string[]): Ending {
  return ending.reason === undefined ? ending : { ...ending, reason: without(ending.reason, secrets) };
}
