export interface Column<Row> {
  readonly title: string;
  readonly value: (row: Row) => string;
  readonly align?: "right";
  /** It may be shortened to so many characters; never, unless nothing else is left, when absent. */
  readonly min?: number;
  /** Only on a terminal at least so wide, and where nothing is known of its width. */
  readonly from?: number;
}

const GAP = 2;
const LAST_RESORT = 8;

/**
 * The lines of a table, its heading first, no wider than the terminal.
 * @param width undefined when nobody looks at it: nothing is shortened
 */
export function tableLines<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  width?: number,
): readonly string[] {
  const shown = columns.filter(({ from = 0 }) => width === undefined || width >= from);
  const cells = [shown.map(({ title }) => title), ...rows.map((row) => shown.map(({ value }) => value(row)))];
  const natural = shown.map((_, i) => Math.max(...cells.map((line) => widthOf(line[i] ?? ""))));
  const widths = width === undefined ? natural : fitted(natural, shown, width);
  return cells.map((line) =>
    line
      .map((cell, i) => {
        const short = shortened(cell, widths[i] ?? 0);
        const blanks = " ".repeat(Math.max(0, (widths[i] ?? 0) - widthOf(short)));
        return shown[i]?.align === "right" ? blanks + short : short + blanks;
      })
      .join(" ".repeat(GAP))
      .trimEnd(),
  );
}

/** Takes a character at a time from the widest that may still give one. */
function fitted(
  natural: readonly number[],
  columns: readonly { readonly min?: number }[],
  width: number,
): readonly number[] {
  const widths = [...natural];
  const surplus = (): number => widths.reduce((sum, each) => sum + each + GAP, -GAP) - width;
  for (const isLastResort of [false, true]) {
    const floor = (i: number): number => (isLastResort ? LAST_RESORT : (columns[i]?.min ?? Infinity));
    while (surplus() > 0) {
      const widest = widths.reduce(
        (best, each, i) => (each > floor(i) && each > (widths[best] ?? 0) ? i : best),
        -1,
      );
      if (widest === -1) break;
      widths[widest] = (widths[widest] ?? 0) - 1;
    }
  }
  return widths;
}

/** How many cells of a terminal the text takes: none for marks that combine, two for wide letters and pictures. */
export function widthOf(text: string): number {
  let width = 0;
  for (const character of text) width += widthOfOne(character);
  return width;
}

const wide =
  /[\u1100-\u115F\u2E80-\u303E\u3041-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6\u{20000}-\u{3FFFD}]|\p{Emoji_Presentation}/u;

function widthOfOne(character: string): number {
  if (/^[\p{Mn}\p{Me}\u200B-\u200D]$/u.test(character)) return 0;
  return wide.test(character) ? 2 : 1;
}

export function shortened(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let kept = "";
  let used = 1;
  for (const character of text) {
    used += widthOfOne(character);
    if (used > width) break;
    kept += character;
  }
  return `${kept}…`;
}

/** Text in lines no wider than that, broken at blanks. */
export function wrapped(text: string, width: number | undefined, indent = ""): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    const isFitting = width === undefined || widthOf(`${last ?? ""} ${word}`) <= width;
    if (last !== undefined && isFitting) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(last === undefined ? word : indent + word);
  }
  return lines;
}
