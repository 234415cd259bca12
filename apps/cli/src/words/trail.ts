import type { Past, Trail } from "@understudy/core";

import { plain } from "../plain.ts";
import type { Column } from "../table.ts";
import type { Terminal } from "../terminal.ts";
import { clockTime, durationWords } from "../time.ts";

type Outcome = Trail[number];

const columns: readonly Column<Outcome>[] = [
  { title: "when", value: ({ at }) => clockTime(at) },
  { title: "provider", value: ({ provider }) => plain(provider), min: 8 },
  { title: "took", value: ({ durationMs }) => durationWords(durationMs), align: "right" },
  { title: "outcome", value: (outcome) => outcomeWords(outcome), min: 12 },
  { title: "code", value: (outcome) => ("code" in outcome ? plain(outcome.code) : ""), min: 8 },
  { title: "request id", value: ({ requestId = "" }) => plain(requestId), min: 8, from: 100 },
];

function outcomeWords({ kind, lookUp, provesNone, count = 1 }: Outcome): string {
  const word = lookUp ? `looked up: ${kind}` : provesNone ? "proved: no effect" : kind;
  return count > 1 ? `${word} ×${count}` : word;
}

/** Every call of a job's lives, in order; details of failures below the table. */
export function printTrail(terminal: Terminal, trail: Trail): void {
  if (trail.length === 0) {
    terminal.print("No provider was asked.");
    return;
  }
  terminal.table(columns, trail);
  // What proves no effect is told with what people did.
  const details = trail.filter((outcome) => "detail" in outcome && !outcome.provesNone);
  for (const { at, ...outcome } of details.slice(-5))
    terminal.say(`${clockTime(at)} ${"detail" in outcome ? outcome.detail : ""}`, "  ");
}

/** Earlier lives and what people did, the oldest first. */
export function printPast(terminal: Terminal, past: readonly Past[]): void {
  for (const one of past) terminal.say(pastWords(one), "  ");
}

function pastWords({ did, at, by, reason, ended, provider, paths }: Past): string {
  const how = [
    ...(provider === undefined ? [] : [`to ${provider}`]),
    ...(paths === undefined ? [] : [`in ${paths.join(", ")}`]),
  ].join(" ");
  const verb = did.replace("_", " ") + (how === "" ? "" : ` ${how}`);
  return `${clockTime(at)} ${verb} by ${by}: ${reason} (it had died ${ended.cause}, effect ${ended.effect})`;
}
