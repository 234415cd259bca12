import { type Action, type LetterView, may, roleFor, type Role } from "@understudy/operator";

/** What may be done to one letter. */
export const letterActions = ["redrive", "look-up", "release", "edit", "discard"] as const;
export type LetterAction = (typeof letterActions)[number];

export const labels: Readonly<Record<LetterAction, string>> = {
  redrive: "Redrive",
  "look-up": "Look up",
  release: "Release",
  edit: "Edit payload",
  discard: "Discard",
};

/** Why an action makes no sense now; undefined when it does. */
export function objection(action: LetterAction, letter: LetterView): string | undefined {
  const { fate } = letter.prospect;
  const isHeld = fate === "needs_look_up" || fate === "needs_release";
  switch (action) {
    case "redrive":
      // Another provider may serve what the first must not.
      return fate === "safe" || fate === "possible_duplicate" || fate === "unserved"
        ? undefined
        : letter.prospect.sentence;
    case "look-up":
      return fate === "needs_look_up" ? undefined : "There is nothing to ask a provider about.";
    case "release":
      return isHeld ? undefined : "Its effect is known, so there is nothing to release.";
    case "edit":
      if (letter.payload === undefined) return "Its payload cannot be read.";
      return isHeld ? "Its effect is unknown: an edited payload would be another request." : undefined;
    case "discard":
      return undefined;
  }
}

/** Why somebody may not; undefined when they may. */
export function refusal(action: Action, role: Role, isMoney: boolean): string | undefined {
  if (may(role, action, isMoney)) return undefined;
  return `${action === "edit" ? "Editing" : action} ${isMoney ? "where money moves " : ""}asks for the role ${roleFor(action, isMoney)}; yours is ${role}.`;
}

/** What will happen, before it does. */
export function consequence(action: LetterAction, letter: LetterView, provider?: string): string {
  const target = provider ?? letter.prospect.target;
  const to = target === undefined ? "the providers of its route" : target;
  switch (action) {
    case "redrive":
      return provider === undefined
        ? letter.prospect.sentence
        : `The job gets a new life and may be served by ${to} only. ${letter.prospect.fate === "possible_duplicate" ? "One more copy may come of it: nobody knows whether an earlier call had its effect." : ""}`.trim();
    case "look-up":
      return `A worker asks ${letter.bound?.provider ?? "the provider"} what became of the earlier call. The job completes when it had its effect; else it is a dead letter again, with what was learnt. Nothing is sent twice.`;
    case "release":
      return "You put your name to it that the job had no effect, for instance because you looked into the provider's own books. From then on it may be redriven, under a new key and at any provider: if you are wrong, the effect happens twice.";
    case "edit":
      return "The letter keeps its trail; its next life carries the new payload under a new idempotency key. The change is recorded.";
    case "discard":
      return "The letter is deleted for good, with its payload and its trail; only the audit log remembers it. The job will never run.";
  }
}
