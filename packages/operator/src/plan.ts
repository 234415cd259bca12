import type { Envelope } from "@understudy/core";
import type { StoredLetter } from "@understudy/dead-letters";

import { isLikelyRefusedAgain, type Knowledge, quickProspectOf } from "./prospect.ts";
import { blockedFates, type Fate, type Plan, type Prospect } from "./views.ts";

/** Counts what a redrive would do to each letter that it is shown. */
export interface Planner {
  /** @param stored undefined when it cannot be read */
  add(stored: StoredLetter | undefined): void;
  finish(): Plan;
}

interface Options {
  readonly know: Knowledge;
  readonly provider?: string | undefined;
  readonly perSecond: number;
  readonly now: number;
}

const UNKNOWN_TARGET = "unknown";

export function createPlanner({ know, provider, perSecond, now }: Options): Planner {
  const fates: Record<Fate, number> = {
    safe: 0,
    possible_duplicate: 0,
    needs_look_up: 0,
    needs_release: 0,
    invalid: 0,
    unknown_job: 0,
    unreadable: 0,
    unserved: 0,
  };
  const targets: Record<string, number> = {};
  const reasons = new Map<Fate, string>();
  let total = 0;
  let pastHorizon = 0;
  let money = 0;
  let refusedAgain = 0;

  const count = ({ fate, target = UNKNOWN_TARGET, isPastHorizon, sentence }: Prospect): void => {
    fates[fate] += 1;
    if (isPastHorizon) pastHorizon += 1;
    if (!blockedFates.includes(fate)) targets[target] = (targets[target] ?? 0) + 1;
    if (!reasons.has(fate)) reasons.set(fate, sentence);
  };

  return {
    add(stored) {
      total += 1;
      if (know.jobs.get(stored?.letter.job ?? "")?.capability.duplicates === "forbidden") money += 1;
      const prospect = quickProspectOf(stored, know, { provider, now });
      count(prospect);
      const envelope = Object(stored?.payload) as Pick<Envelope, "isEdited">;
      if (stored !== undefined && prospect.fate === "safe" && isLikelyRefusedAgain(stored.letter, envelope))
        refusedAgain += 1;
    },
    finish() {
      const redriven = fates.safe + fates.possible_duplicate;
      return {
        total,
        fates,
        pastHorizon,
        targets,
        money,
        perSecond,
        durationMs: Math.ceil((redriven * 1000) / perSecond),
        advice: [...adviceOn(fates, pastHorizon, reasons), ...onRefused(refusedAgain)],
        madeAt: now,
      };
    },
  };
}

function adviceOn(
  fates: Readonly<Record<Fate, number>>,
  pastHorizon: number,
  reasons: ReadonlyMap<Fate, string>,
): readonly string[] {
  const about = (fate: Fate, words: string): readonly string[] =>
    fates[fate] === 0 ? [] : [`${letters(fates[fate])} ${words}`];
  const forgotten =
    pastHorizon === 0
      ? ""
      : ` (${pastHorizon} of all unknown ones are past the time for which their provider remembers the key)`;
  return [
    ...about(
      "needs_look_up",
      `may have happened and must not happen twice${forgotten}: look them up first, with \`understudy dead-letters look-up\`.`,
    ),
    ...about(
      "needs_release",
      "may have happened, must not happen twice, and no provider can be asked: a person must look into the provider's own books, then `understudy dead-letters release` or discard them.",
    ),
    ...about("possible_duplicate", "may have been delivered already: each redrive allows one more copy."),
    ...about(
      "invalid",
      `would be refused by today's schema: edit or discard them. The first: ${reasons.get("invalid") ?? ""}`,
    ),
    ...about("unserved", `cannot be served so. The first: ${reasons.get("unserved") ?? ""}`),
    ...about("unknown_job", "are of jobs that this program does not know: use the release that has them."),
    ...about("unreadable", "cannot be read: they can only be discarded."),
  ];
}

function onRefused(count: number): readonly string[] {
  return count === 0
    ? []
    : [
        `${letters(count)} ${count === 1 ? "was" : "were"} refused as wrong, and most likely would be again: edit their payloads first.`,
      ];
}

function letters(count: number): string {
  return count === 1 ? "1 letter" : `${count} letters`;
}
