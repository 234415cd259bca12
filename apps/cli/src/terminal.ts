import { styleText } from "node:util";

import { plain, plainLines, toJson } from "./plain.ts";
import { type Column, tableLines, wrapped } from "./table.ts";

export type Style = "red" | "yellow" | "green" | "dim" | "bold" | "cyan";

/** Where answers and remarks go. Everything printed here is text of ours and of others mixed: callers pass others' through `plain`. */
export interface Terminal {
  /** Of stdout; undefined when nobody looks at it, and nothing is to be shortened. */
  readonly width: number | undefined;
  /** A person can be asked: stdin and stderr are terminals. */
  readonly isInteractive: boolean;
  /** stderr is a terminal, whose line may be drawn over. */
  readonly drawsProgress: boolean;
  readonly isQuiet: boolean;
  readonly paint: (style: Style, text: string) => string;
  /** Part of the answer: stdout. */
  readonly print: (line?: string) => void;
  /** A sentence of the answer, wrapped. */
  readonly say: (sentence: string, indent?: string) => void;
  /** Nothing at all without rows. */
  table<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): void;
  /** A remark, not part of the answer: stderr, and nothing when quiet. */
  readonly remark: (sentence: string) => void;
  json(value: Readonly<Record<string, unknown>>): void;
}

export interface TerminalOptions {
  readonly quiet: boolean;
  readonly color: boolean;
}

const JSON_VERSION = 1;

export function openTerminal({ quiet, color }: TerminalOptions): Terminal {
  const { stdout, stderr, stdin, env } = process;
  const isColoured = color && isAbsent(env["NO_COLOR"]) && env["TERM"] !== "dumb" && stdout.isTTY;
  const width = stdout.isTTY ? stdout.columns || 80 : Number(env["COLUMNS"]) || undefined;
  const print = (line = ""): void => void stdout.write(`${line}\n`);
  const paint = (style: Style, text: string): string =>
    isColoured ? styleText(style, text, { validateStream: false }) : text;
  return {
    width,
    isInteractive: stdin.isTTY && stderr.isTTY,
    drawsProgress: stderr.isTTY && !quiet,
    isQuiet: quiet,
    paint,
    print,
    say(sentence, indent = "") {
      for (const line of wrapped(plain(sentence), width, indent)) print(line);
    },
    table(columns, rows) {
      if (rows.length === 0) return;
      const [heading = "", ...lines] = tableLines(columns, rows, width);
      if (!quiet) print(paint("bold", heading));
      for (const line of lines) print(line);
    },
    remark(sentence) {
      if (!quiet) stderr.write(`${sentence}\n`);
    },
    json: (value) => print(toJson({ v: JSON_VERSION, ...value })),
  };
}

function isAbsent(value: string | undefined): boolean {
  return value === undefined || value === "";
}

/** One sentence on stderr; what stands in it may have come from Redis. */
export function complain(sentence: string): void {
  process.stderr.write(`${plainLines(sentence).join("\n")}\n`);
}
