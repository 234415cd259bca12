const MAX_DETAIL = 300;
/** A vendor's words are read this far. */
const MAX_READ = 8192;
/** From this length on, a quotation of the request is one even if all its words are common. */
const MIN_QUOTATION = 16;
const MIN_WORD = 8;
/** Shorter lines of the request count only as a whole. */
const MIN_LINE = 4;

/** What must not appear in anything that people or logs get to see of a call. */
export interface Scrub {
  readonly secrets: readonly string[];
  readonly request: unknown;
}

/**
 * A vendor's words made fit for logs: one line of at most 300 characters, without secrets, URLs, e-mail addresses, encoded data,
 * or anything the request said: its short lines, its words of 8 characters and more, and any 16 characters in a row.
 */
export function detailOf(words: string, { secrets, request }: Scrub): string {
  let text = begin(plain(words), MAX_READ, /\S+$/u);
  // Longest first: one may stand inside another.
  for (const secret of longestFirst(secrets)) if (secret !== "") text = text.replaceAll(secret, "<secret>");
  text = text
    .replaceAll(/\b(?:[a-z][a-z\d+.-]{1,15}:\/\/|www\.)[^\s"'<>]+/giu, "<url>")
    .replaceAll(/[^\s"'<>,;:()]{1,256}@[^\s"'<>,;:()]+/gu, "<address>")
    .replaceAll(/[\w+/=-]{40,}/gu, "<data>");
  text = withoutPayload(begin(text, 2 * MAX_DETAIL, /[\p{L}\p{N}]+$/u), request).trim();
  return text.length <= MAX_DETAIL ? text : `${text.slice(0, MAX_DETAIL - 1)}…`;
}

/** On one line; what was quoted as JSON is read as what it says. */
function plain(words: string): string {
  return words.replaceAll(/\\(["/\\])/gu, "$1").replaceAll(/(?:\s|\\[nrt])+/gu, " ");
}

/** Cut to a length, without the word that the cut went through: what is to be taken out is known only as a whole. */
function begin(text: string, length: number, lastWord: RegExp): string {
  return text.length <= length ? text : text.slice(0, length).replace(lastWord, "");
}

function withoutPayload(words: string, request: unknown): string {
  const texts = textsOf(request).map((text) => text.replaceAll(/[^\S\n]+/gu, " "));
  const lines = texts.flatMap((text) => text.split("\n")).map((line) => line.trim());
  const short = new Set(lines.filter(({ length }) => length >= MIN_LINE && length < MIN_QUOTATION));
  let text = words;
  for (const line of longestFirst([...short])) text = text.replaceAll(line, "<payload>");
  return withoutQuotations(text, texts.join("\0").replaceAll("\n", " "));
}

/** The texts of a request. What is long and all base64 is none, and would be megabytes to search. */
function textsOf(value: unknown): readonly string[] {
  if (typeof value === "string") return /^[\w+/=-]{1024}/u.test(value) ? [] : [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(textsOf) : [];
}

/** Looks from each word on, for as far as `said` says the same. */
function withoutQuotations(text: string, said: string): string {
  let kept = "";
  let at = 0;
  for (const { index } of text.matchAll(/(?<!\S)\S|(?<![\p{L}\p{N}])[\p{L}\p{N}]/gu)) {
    if (index < at) continue;
    const length = quotationAt(text, index, said);
    if (length === 0) continue;
    kept += `${text.slice(at, index)}<payload>`;
    at = index + length;
  }
  return kept + text.slice(at);
}

/** How many characters from `from` on are the request's; 0 when there are too few to tell. */
function quotationAt(text: string, from: number, said: string): number {
  const says = (length: number): boolean => said.includes(text.slice(from, from + length));
  if (text.length - from < MIN_WORD || !says(MIN_WORD)) return 0;
  let length = MIN_WORD;
  for (let step = text.length - from - length; step > 0; step = Math.floor(step / 2))
    while (length + step <= text.length - from && says(length + step)) length += step;
  const found = text.slice(from, from + length);
  if (found.trimEnd().length >= MIN_QUOTATION) return found.trimEnd().length;
  const [word = ""] = /^\S+/u.exec(found) ?? [];
  const isWhole = !/^[\p{L}\p{N}]{2}/u.test(text.slice(from + word.length - 1));
  return word.length >= MIN_WORD && isWhole ? word.length : 0;
}

function longestFirst(texts: readonly string[]): readonly string[] {
  return texts.toSorted((a, b) => b.length - a.length);
}
