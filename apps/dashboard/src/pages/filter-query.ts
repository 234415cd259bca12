import { causes } from "@understudy/core";
import type { LetterFilter } from "@understudy/operator";

export type Query = Readonly<Record<string, string | readonly string[] | undefined>>;

export interface ParsedFilter {
  readonly filter: LetterFilter;
  /** A sentence for each thing that makes no sense; what it stood for is left out of the filter. */
  readonly problems: readonly string[];
}

const lists = ["queue", "job", "cause", "effect", "provider", "code", "group"] as const;
const effects = ["none", "maybe"] as const;
const MAX_VALUES = 50;
const MAX_TEXT = 200;
const units: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Reads a filter out of an address; the address is all the state there is. */
export function parseFilter(query: Query, now: number = Date.now()): ParsedFilter {
  const problems: string[] = [];
  const filter: { -readonly [K in keyof LetterFilter]: LetterFilter[K] } = {};
  for (const name of lists) {
    const values = valuesOf(query[name]);
    if (values.length > MAX_VALUES) problems.push(`${name} names more than ${MAX_VALUES}.`);
    else if (values.length > 0) Object.assign(filter, { [name]: values });
  }
  keepKnown(filter, "cause", causes, problems);
  keepKnown(filter, "effect", effects, problems);
  for (const name of ["from", "to"] as const) {
    const [text] = valuesOf(query[name]);
    if (text === undefined) continue;
    const at = timeOf(text, now);
    if (at === undefined)
      problems.push(
        `${name} is no time: write 15m, 24h or 7d for so long ago, or a date such as 2026-11-24T03:00Z.`,
      );
    else filter[name] = at;
  }
  if (filter.from !== undefined && filter.to !== undefined && filter.from > filter.to)
    problems.push("from is later than to, so nothing can match.");
  const [text] = valuesOf(query["text"]);
  if (text !== undefined && text.length > MAX_TEXT)
    problems.push(`text is longer than ${MAX_TEXT} characters.`);
  else if (text !== undefined) filter.text = text;
  return { filter, problems };
}

function keepKnown(
  filter: { cause?: LetterFilter["cause"]; effect?: LetterFilter["effect"] },
  name: "cause" | "effect",
  known: readonly string[],
  problems: string[],
): void {
  const wrong = (filter[name] ?? []).filter((value) => !known.includes(value));
  if (wrong.length === 0) return;
  problems.push(`There is no ${name} "${wrong.join(", ")}"; there are ${known.join(", ")}.`);
  delete filter[name];
}

function valuesOf(value: string | readonly string[] | undefined): readonly string[] {
  const all = value === undefined ? [] : typeof value === "string" ? [value] : value;
  return all.map((one) => one.trim()).filter((one) => one !== "");
}

/** "24h": so long ago; else a date. */
function timeOf(text: string, now: number): number | undefined {
  const [, amount, unit] = /^(\d{1,6})\s*([smhd])$/u.exec(text) ?? [];
  if (amount !== undefined && unit !== undefined) return now - Number(amount) * (units[unit] ?? 0);
  const isDate = /^\d{4}-\d{2}-\d{2}/u.test(text);
  // A date without a zone is UTC, as all times here.
  const at = isDate ? Date.parse(/[Zz]|[+-]\d{2}:?\d{2}$/u.test(text.slice(10)) ? text : utcOf(text)) : NaN;
  return Number.isNaN(at) ? undefined : at;
}

function utcOf(text: string): string {
  return text.length === 10 ? `${text}T00:00Z` : `${text.replace(" ", "T")}Z`;
}

/** The same filter as the part of an address behind the "?", or "". */
export function filterQuery(
  filter: LetterFilter,
  more: Readonly<Record<string, string | undefined>> = {},
): string {
  const query = new URLSearchParams();
  for (const name of lists) for (const value of filter[name] ?? []) query.append(name, value);
  for (const name of ["from", "to"] as const) {
    const at = filter[name];
    if (at !== undefined) query.set(name, new Date(at).toISOString());
  }
  if (filter.text !== undefined) query.set("text", filter.text);
  for (const [name, value] of Object.entries(more)) if (value !== undefined) query.set(name, value);
  const text = query.toString();
  return text === "" ? "" : `?${text}`;
}

/** As fields of a form, hidden. */
export function filterFields(filter: LetterFilter): readonly (readonly [string, string])[] {
  return [...new URLSearchParams(filterQuery(filter))];
}

export function isEmptyFilter(filter: LetterFilter): boolean {
  return filterQuery(filter) === "";
}

/** In words: "queue email, cause rejected or expired, since 2026-11-24 03:00". */
export function filterWords(filter: LetterFilter): string {
  const parts = lists.flatMap((name) => {
    const values = filter[name];
    return values === undefined ? [] : [`${name} ${values.join(" or ")}`];
  });
  if (filter.from !== undefined) parts.push(`died since ${shortUtc(filter.from)}`);
  if (filter.to !== undefined) parts.push(`died until ${shortUtc(filter.to)}`);
  if (filter.text !== undefined) parts.push(`holding “${filter.text}”`);
  return parts.length === 0 ? "all dead letters" : parts.join(", ");
}

function shortUtc(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}
