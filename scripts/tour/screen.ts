import { stripVTControlCharacters, styleText } from "node:util";

import type { Summary } from "./summary.ts";
import type { ProviderTally, Tally } from "./tally.ts";

/** Where the tour speaks: redrawn in place in a terminal, plain lines elsewhere. */
export interface Screen {
  /** A line that stays. */
  say(line: string, tone?: Tone): void;
  /** Shows how things stand. */
  progress(tally: Tally, total: number, note: string): void;
  /** Leaves the last progress where it stands. */
  settle(): void;
}

export type Tone = "good" | "bad" | "strong";

type Out = Pick<NodeJS.WriteStream, "isTTY" | "columns" | "write">;

const BAR = 30;
const colours = { good: "green", bad: "red", strong: "bold" } as const;

export function createScreen(out: Out): Screen {
  return out.isTTY ? terminal(out) : plain(out);
}

function plain(out: Out): Screen {
  let last = "";
  return {
    say: (line) => void out.write(`${line}\n`),
    progress(tally, total) {
      const providers = [...tally.providers].map(
        ([name, p]) => `${name} ${p.delivered}${p.failedOver > 0 ? ` (${p.failedOver} stood in)` : ""}`,
      );
      const line = `  ${tally.mails}/${total} mails, ${tally.enqueued - tally.mails} charges and events | delivered by ${providers.join(", ")} | waiting ${waiting(tally)} | dead ${tally.dead}`;
      if (line !== last) out.write(`${line}\n`);
      last = line;
    },
    settle: () => undefined,
  };
}

function terminal(out: Out): Screen {
  let lines: readonly string[] = [];
  // One write a frame: what is erased and what replaces it reach the terminal together.
  const draw = (next: readonly string[], before = ""): void => {
    const up = lines.length > 0 ? `\u001B[${lines.length}A\u001B[0J` : "";
    lines = next.map((line) => fit(line, (out.columns ?? 80) - 1));
    out.write(`${up}${before}${lines.map((line) => `${line}\n`).join("")}`);
  };
  return {
    say: (line, tone) => draw(lines, `${tone === undefined ? line : paint(colours[tone], line)}\n`),
    progress: (tally, total, note) => draw(panel(tally, total, note)),
    settle() {
      lines = [];
    },
  };
}

/** A line that wraps would be two when it is erased. */
function fit(line: string, columns: number): string {
  const text = stripVTControlCharacters(line);
  return text.length <= columns ? line : text.slice(0, Math.max(20, columns));
}

function panel(tally: Tally, total: number, note: string): readonly string[] {
  const done = Math.round(BAR * Math.min(1, tally.mails / total));
  const titles = ["delivered", "stood in", "failed"].map((title) => title.padStart(11)).join("");
  return [
    "",
    `  ${"█".repeat(done)}${"░".repeat(BAR - done)}  ${tally.mails}/${total} mails, ${tally.enqueued - tally.mails} charges and events`,
    "",
    paint("dim", `  ${"provider".padEnd(10)}${titles}   circuit`),
    ...[...tally.providers].map(row),
    "",
    `  delivered ${count("green", tally.delivered)}   waiting ${waiting(tally)}   dead letters ${count("red", tally.dead)}`,
    "",
    paint("dim", `  ${note}`),
  ];
}

function row([name, { delivered, failedOver, failed, circuit }]: readonly [string, ProviderTally]): string {
  const cells = [
    count("green", delivered, 11),
    count("yellow", failedOver, 11),
    count("red", failed, 11),
    `   ${paint(circuit === "closed" ? "green" : circuit === "open" ? "red" : "yellow", circuit)}`,
  ];
  return `  ${name.padEnd(10)}${cells.join("")}`;
}

/** Nothing to see is not coloured. */
function count(colour: "green" | "yellow" | "red", n: number, width = 0): string {
  const text = String(n).padStart(width);
  return n === 0 ? text : paint(colour, text);
}

/** Only a terminal is painted, and NO_COLOR is honoured. */
function paint(format: Parameters<typeof styleText>[0], text: string): string {
  return styleText(format, text, { stream: process.stdout });
}

function waiting(tally: Tally): number {
  return Math.max(0, tally.enqueued - tally.delivered - tally.dead);
}

/** In lines of at most 80 columns; those after the first are indented like it. */
function wrapped(title: string, items: readonly string[]): readonly string[] {
  const lines: string[] = [];
  let line = title;
  for (const [i, item] of items.entries()) {
    const text = i === items.length - 1 ? item : `${item}, `;
    if (line.length + text.trimEnd().length > 80) {
      lines.push(line.trimEnd());
      line = " ".repeat(title.length);
    }
    line += text;
  }
  return [...lines, line];
}

/** The table at the end. */
export function summaryLines(summary: Summary): readonly string[] {
  const rows = Object.entries(summary.jobs).map(([name, job]) => [
    name,
    ...[job.enqueued, job.delivered, job.deadLettered, job.failedOver].map(String),
  ]);
  const total = [1, 2, 3, 4].map((i) => String(rows.reduce((sum, cells) => sum + Number(cells[i]), 0)));
  const table = [["job", "enqueued", "delivered", "dead letters", "failed over"], ...rows, ["all", ...total]];
  const arrived = Object.entries(summary.providers).map(([name, { accepted }]) => `${name} ${accepted}`);
  return [
    "",
    ...table.map((cells) =>
      cells.map((text, i) => (i === 0 ? `  ${text.padEnd(16)}` : text.padStart(14))).join(""),
    ),
    "",
    ...wrapped("  arrived at the providers   ", arrived),
    `  happened twice             ${summary.duplicates}, not marked as possible beforehand: ${summary.unlabelledDuplicates}`,
    `  still queued               ${summary.stillQueued}`,
    `  lost                       ${summary.lost}`,
    `  took                       ${summary.seconds} s`,
    "",
  ];
}
