import type { BulkAction, LetterFilter, Selection } from "@understudy/operator";
import { html } from "ghtml";

import { filterFields } from "./filter-query.ts";

/** A command that does the same, to look at or to copy. */
export function cliBlock(command: string): string {
  return html`<div class="cli">
    <code tabindex="0">${command}</code
    ><button type="button" class="quiet" data-copy="${command}" hidden>Copy</button>
  </div>`;
}

export function letterCommand(
  action: string,
  id: string,
  { provider, seen }: { readonly provider?: string | undefined; readonly seen?: string } = {},
): string {
  const flags = action === "show" ? [] : ['--reason "…"'];
  if (provider !== undefined) flags.push(`--to ${quoted(provider)}`);
  if (seen !== undefined && seen !== "") flags.push(`--seen ${quoted(seen)}`);
  return ["understudy dead-letters", action, quoted(id), ...flags].join(" ");
}

export function bulkCommand(
  action: BulkAction | "ls" | "plan",
  selection: Selection,
  more: { readonly perSecond?: number; readonly provider?: string | undefined } = {},
): string {
  const what =
    "ids" in selection ? selection.ids.map(quoted) : filterFlags(selection.filter, action !== "ls");
  const flags = [
    ...(more.perSecond === undefined ? [] : [`--rate ${more.perSecond}`]),
    ...(more.provider === undefined ? [] : [`--to ${quoted(more.provider)}`]),
    ...(action === "ls" || action === "plan" ? [] : ['--reason "…"']),
  ];
  return ["understudy dead-letters", action, ...what, ...flags].join(" ");
}

const flagNames: Readonly<Record<string, string>> = { from: "since", to: "until" };

/** @param isForAll whether the command wants it said that all are meant */
function filterFlags(filter: LetterFilter, isForAll: boolean): readonly string[] {
  const flags = filterFields(filter).map(([name, value]) => `--${flagNames[name] ?? name} ${quoted(value)}`);
  return flags.length === 0 && isForAll ? ["--all"] : flags;
}

/** For a POSIX shell: whatever stands in an id or a filter is a word, and never a command. */
export function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/u.test(word) && !word.startsWith("-")
    ? word
    : word === "…"
      ? '"…"'
      : `'${word.replaceAll("'", `'\\''`)}'`;
}
