import type { LetterGroup, LetterSummary, LetterView } from "@understudy/operator";

import { plain, plainLines, toJson } from "../plain.ts";
import type { Column } from "../table.ts";
import type { Terminal } from "../terminal.ts";
import { clockTime, shortAge, when } from "../time.ts";
import { printPast, printTrail } from "./trail.ts";

/** "sendgrid http_503, mailgun timeout" */
function failureWords({ failures }: Pick<LetterSummary, "failures">): string {
  return plain(failures.map(({ provider, code }) => `${provider} ${code}`).join(", "));
}

/** Whether it may have happened is the one thing to know beside the cause. */
function causeWords({ cause, effect }: Pick<LetterSummary, "cause" | "effect">): string {
  return effect === "maybe" && cause !== "ambiguous" ? `${cause}?` : cause;
}

export function letterColumns(now: number): readonly Column<LetterSummary>[] {
  return [
    { title: "died", value: ({ diedAt }) => clockTime(diedAt), from: 130 },
    { title: "ago", value: ({ diedAt }) => shortAge(diedAt, now), align: "right" },
    { title: "queue", value: ({ queue }) => plain(queue), min: 8, from: 100 },
    { title: "cause", value: causeWords, min: 6 },
    { title: "failed at", value: failureWords, min: 4 },
    { title: "reason", value: ({ reason }) => plain(reason), min: 8, from: 150 },
    { title: "id", value: ({ id }) => plain(id) },
  ];
}

export function groupColumns(now: number): readonly Column<LetterGroup>[] {
  return [
    { title: "count", value: ({ count }) => count.toLocaleString("en"), align: "right" },
    { title: "job", value: ({ job }) => plain(job), min: 8 },
    { title: "cause", value: causeWords, min: 6 },
    { title: "failed at", value: failureWords, min: 8 },
    { title: "oldest", value: ({ oldestAt }) => shortAge(oldestAt, now), align: "right", from: 100 },
    { title: "last", value: ({ newestAt }) => shortAge(newestAt, now), align: "right" },
    { title: "group", value: ({ group }) => plain(group) },
  ];
}

/** @param more with its log and stack trace */
export function printLetter(terminal: Terminal, letter: LetterView, more: boolean, now: number): void {
  terminal.say(letter.sentence);
  terminal.print();
  for (const [name, value] of factsOf(letter, now))
    terminal.say(`${`${name}:`.padEnd(11)} ${value}`, "            ");
  section(terminal, "Calls");
  printTrail(terminal, letter.trail);
  if (letter.past.length > 0) {
    section(terminal, "Before");
    printPast(terminal, letter.past);
  }
  section(terminal, "Payload");
  printPayload(terminal, letter);
  if (more) printMore(terminal, letter);
  section(terminal, "A redrive");
  terminal.say(letter.prospect.sentence);
}

function section(terminal: Terminal, title: string): void {
  terminal.print();
  terminal.print(terminal.paint("bold", title));
}

function factsOf(letter: LetterView, now: number): readonly (readonly [string, string])[] {
  const { id, job, queue, cause, effect, isMoney, bound, providers, redrives, group } = letter;
  const money = isMoney ? "; must not happen twice" : "";
  const facts: readonly (readonly [string, string | undefined])[] = [
    ["id", id],
    ["job", `${job} on ${queue}`],
    ["cause", cause],
    ["effect", (effect === "maybe" ? "nobody knows whether it happened" : "none: it did not happen") + money],
    ["reason", letter.reason],
    ["enqueued", letter.enqueuedAt === undefined ? undefined : when(letter.enqueuedAt, now)],
    ["first call", letter.firstCallAt === undefined ? undefined : when(letter.firstCallAt, now)],
    ["last call", letter.lastCallAt === undefined ? undefined : when(letter.lastCallAt, now)],
    ["died", when(letter.diedAt, now)],
    ["attempts", `${letter.attempts}${redrives > 0 ? `; redriven ${redrives} times before` : ""}`],
    ["bound to", bound && `${bound.provider}, first asked ${when(bound.firstSentAt, now)}`],
    ["only", providers?.join(", ")],
    ["key", keyWords(letter)],
    ["group", group],
    ["version", letter.version],
  ];
  return facts.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
}

function keyWords({ idempotencyKey, generation }: LetterView): string | undefined {
  if (idempotencyKey === undefined) return undefined;
  return (generation ?? 1) > 1 ? `${idempotencyKey}, generation ${generation}` : idempotencyKey;
}

function printPayload(terminal: Terminal, { payload, hidden }: LetterView): void {
  if (payload === undefined) {
    terminal.print("It cannot be read.");
    return;
  }
  for (const line of toJson(payload, 2).split("\n")) terminal.print(`  ${line}`);
  if (hidden.length > 0) terminal.say(`Hidden: ${hidden.join(", ")}.`, "  ");
}

function printMore(terminal: Terminal, { log, stacktrace }: LetterView): void {
  for (const [title, lines] of [
    ["Log", log],
    ["Stack trace", stacktrace],
  ] as const) {
    section(terminal, title);
    if (lines.length === 0) terminal.print("  nothing");
    for (const line of lines.flatMap(plainLines)) terminal.print(`  ${line}`);
  }
}
