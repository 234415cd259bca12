import type { BulkAction, Run } from "@understudy/operator";

import { toJson } from "../plain.ts";
import type { Terminal } from "../terminal.ts";
import { when } from "../time.ts";
import { count } from "./count.ts";

export const done: Readonly<Record<BulkAction, string>> = {
  redrive: "redriven",
  "look-up": "sent to be looked up",
  release: "released",
  discard: "discarded",
};

const answers: Readonly<Record<string, string>> = {
  gone: "gone meanwhile",
  held: "held: look them up, or release them",
  live: "alive again already",
  known: "known already to have had no effect",
  unreadable: "cannot be read",
  invalid: "invalid: today's schema refuses the payload",
  unserved: "may not be served by that provider",
  unknown_job: "of a job that this program does not know",
};

/** "held: look them up, or release them" */
export function answerWords(answer: string): string {
  return answers[answer] ?? answer.replaceAll("_", " ");
}

/** What was left alone and why: "3 held: …, 1 gone meanwhile". */
export function leftWords({ left }: Pick<Run, "left">): string {
  return Object.entries(left)
    .filter(([, many]) => many > 0)
    .map(([answer, many]) => `${count(many)} ${answerWords(answer)}`)
    .join(", ");
}

export function hasLeft({ left }: Pick<Run, "left">): boolean {
  return Object.values(left).some((many) => many > 0);
}

export function stateWords({ state, isOrphan }: Run): string {
  return isOrphan ? "orphaned" : state;
}

export function printRun(terminal: Terminal, run: Run, now: number): void {
  const { id, action, by, reason, selection, startedAt, endedAt, provider } = run;
  terminal.say(`Run ${id} is ${stateWords(run)}: ${count(run.done)} of ${count(run.total)} ${done[action]}.`);
  if (hasLeft(run)) terminal.say(`Left alone: ${leftWords(run)}.`);
  terminal.print();
  const what = "ids" in selection ? `${count(selection.ids.length)} by id` : toJson(selection.filter);
  terminal.say(
    `what:     ${action} of ${what}${provider === undefined ? "" : ` to ${provider}`}`,
    "          ",
  );
  terminal.say(`by:       ${by}: ${reason}`, "          ");
  terminal.say(`rate:     ${run.perSecond} a second`);
  terminal.say(`started:  ${when(startedAt, now)}`);
  if (endedAt !== undefined) terminal.say(`ended:    ${when(endedAt, now)}`);
  if (run.state === "stopped" || run.isOrphan) terminal.say(`Go on with: understudy runs resume ${id}`);
}
