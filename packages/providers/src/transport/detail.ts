const MAX_DETAIL = 300;

/** What must not appear in anything that people or logs get to see of a call. */
export interface Scrub {
  readonly secrets: readonly string[];
  readonly request: unknown;
}

/**
 * A vendor's words made fit for logs: one line of at most 300 characters, without secrets, e-mail addresses, or anything the
 * request said.
 */
export function detailOf(words: string, scrub: Scrub): string {
  let text = words.replaceAll(/\s+/gu, " ").slice(0, 4 * MAX_DETAIL);
  // Longest first: one may stand inside another.
  for (const secret of scrub.secrets.toSorted((a, b) => b.length - a.length))
    if (secret !== "") text = text.replaceAll(secret, "<secret>");
  text = text.replaceAll(/[^\s"'<>,;:()]+@[^\s"'<>,;:()]+/gu, "<address>");
  for (const value of valuesOf(scrub.request)) text = text.replaceAll(value, "<payload>");
  text = text.trim();
  return text.length <= MAX_DETAIL ? text : `${text.slice(0, MAX_DETAIL - 1)}…`;
}

/** Every line of text in a request, longest first, so that no part of a longer one is left standing. */
function valuesOf(request: unknown): readonly string[] {
  const values = new Set<string>();
  collect(request, values);
  return [...values].toSorted((a, b) => b.length - a.length);
}

function collect(value: unknown, into: Set<string>): void {
  if (typeof value === "string") {
    for (const line of value.split("\n")) {
      const text = line.replaceAll(/\s+/gu, " ").trim();
      if (text.length >= 4 && text.length <= 4 * MAX_DETAIL) into.add(text);
    }
  } else if (typeof value === "object" && value !== null) {
    for (const part of Object.values(value)) collect(part, into);
  }
}
