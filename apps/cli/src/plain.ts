/** What makes a terminal act or a reader mistake the order: C0, DEL, C1, line separators, marks that turn the direction. */
const acting = /[\p{Cc}\u061C\u200E\u200F\u2028\u2029\u202A-\u202E\u2066-\u2069\uFEFF]/gu;

/** Text of unknown origin for one line of a terminal: line ends become blanks, what is left of control characters visible. */
export function plain(text: string): string {
  return text.replaceAll(/\r?\n|\t/gu, " ").replaceAll(acting, escaped);
}

/** The same for text of several lines, whose line ends stay. */
export function plainLines(text: string): readonly string[] {
  return text.split(/\r?\n/u).map(plain);
}

/** JSON on one line, or indented; harmless in a terminal, and the same value for whoever parses it. */
export function toJson(value: unknown, indent?: number): string {
  const json = JSON.stringify(value, undefined, indent) ?? "null";
  // The line ends are those of the indentation: JSON.stringify has escaped all others.
  return json.replaceAll(acting, (character) => (character === "\n" ? character : escaped(character)));
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
