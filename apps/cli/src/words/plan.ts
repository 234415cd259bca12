import { blockedFates, type BulkAction, type Fate, type Plan } from "@understudy/operator";

import type { Terminal } from "../terminal.ts";
import { durationWords } from "../time.ts";
import { count, many } from "./count.ts";

const fates: Readonly<Record<Fate, string>> = {
  safe: "safe: nothing can happen twice",
  possible_duplicate: "possibly one more copy",
  needs_look_up: "held until looked up",
  needs_release: "held until a person releases it",
  invalid: "no longer valid: today's schema refuses the payload",
  unknown_job: "of a job that this program does not know",
  unreadable: "cannot be read",
  unserved: "may not be served by that provider",
};

/** How many of what, where they would go, and how long it takes. */
export function printPlan(terminal: Terminal, plan: Plan): void {
  const { total, perSecond, durationMs } = plan;
  terminal.print(terminal.paint("bold", headingOf(plan)));
  const rows = (Object.keys(fates) as readonly Fate[]).filter((fate) => plan.fates[fate] > 0);
  const width = Math.max(...rows.map((fate) => count(plan.fates[fate]).length), 1);
  for (const fate of rows) {
    const line = `  ${count(plan.fates[fate]).padStart(width)}  ${fates[fate]}`;
    terminal.print(terminal.paint(styleOf(fate), line));
  }
  if (plan.pastHorizon > 0)
    terminal.say(
      `  ${count(plan.pastHorizon)} of those held are past their provider's horizon: the same key would make a new effect.`,
      "  ",
    );
  const targets = Object.entries(plan.targets).filter(([, number]) => number > 0);
  if (targets.length > 0) terminal.say(`Would go to ${targets.map(targetWords).join(", ")}.`);
  const moving = total - blockedFates.reduce((sum, fate) => sum + plan.fates[fate], 0);
  if (moving > 0) terminal.say(`At ${perSecond} a second it takes ${durationWords(durationMs)}.`);
  for (const sentence of plan.advice) terminal.say(sentence);
}

/** Before a bulk action that is no redrive: fewer facts matter. */
export function printCount(terminal: Terminal, action: BulkAction, plan: Plan): void {
  const { total, perSecond } = plan;
  const consequence = {
    redrive: "",
    "look-up": "Workers will ask the providers what became of them.",
    release: "You vouch that none of them had its effect: where you are wrong, it happens twice.",
    discard: "They are deleted for good, trail and all.",
  }[action];
  terminal.print(terminal.paint("bold", headingOf(plan)));
  terminal.say(
    `${consequence} At ${perSecond} a second it takes ${durationWords((total / perSecond) * 1000)}.`,
  );
}

function headingOf({ total, money }: Plan): string {
  return many(total, "dead letter") + (money === 0 ? "" : `, ${count(money)} of money`);
}

function targetWords([name, number]: readonly [string, number]): string {
  return `${name === "unknown" ? "a provider that no worker has told of" : name} (${count(number)})`;
}

function styleOf(fate: Fate): "green" | "yellow" | "red" {
  if (fate === "safe") return "green";
  return blockedFates.includes(fate) ? "red" : "yellow";
}
