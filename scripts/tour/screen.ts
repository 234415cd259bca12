import type { Summary } from "./summary.ts";
import type { Tally } from "./tally.ts";

/** Where the tour speaks: redrawn in place in a terminal, plain lines elsewhere. */
export interface Screen {
  /** A line that stays. */
  say(line: string): void;
  /** Shows how things stand. */
  progress(tally: Tally, total: number, note: string): void;
  /** Leaves the last progress where it stands. */
  settle(): void;
}

const BAR = 30;

export function createScreen(out: NodeJS.WriteStream): Screen {
  return out.isTTY ? terminal(out) : plain(out);
}

function plain(out: NodeJS.WriteStream): Screen {
  let last = "";
  return {
    say: (line) => void out.write(`${line}\n`),
    progress(tally, total, note) {
      const providers = [...tally.providers].map(
        ([name, p]) => `${name} ${p.delivered}${p.failedOver > 0 ? ` (${p.failedOver} stood in)` : ""}`,
      );
      const line = `  ${tally.enqueued}/${total} enqueued | ${providers.join(" | ")} | waiting ${waiting(tally)} | dead ${tally.dead}${note === "" ? "" : ` | ${note}`}`;
      if (line !== last) out.write(`${line}\n`);
      last = line;
    },
    settle: () => undefined,
  };
}

function terminal(out: NodeJS.WriteStream): Screen {
  let drawn = 0;
  const erase = (): void => {
    if (drawn > 0) out.write(`\u001B[${drawn}A\u001B[0J`);
    drawn = 0;
  };
  let lines: readonly string[] = [];
  const draw = (): void => {
    for (const line of lines) out.write(`${line.slice(0, Math.max(20, (out.columns ?? 80) - 1))}\n`);
    drawn = lines.length;
  };
  return {
    say(line) {
      erase();
      out.write(`${line}\n`);
      draw();
    },
    progress(tally, total, note) {
      erase();
      lines = panel(tally, total, note);
      draw();
    },
    settle() {
      lines = [];
      drawn = 0;
    },
  };
}

function panel(tally: Tally, total: number, note: string): readonly string[] {
  const done = Math.round((BAR * tally.enqueued) / total);
  const rows = [...tally.providers].map(([name, p]) =>
    [`  ${name.padEnd(10)}`, cell(p.delivered), cell(p.failedOver), cell(p.failed), `   ${p.circuit}`].join(
      "",
    ),
  );
  return [
    "",
    `  ${"█".repeat(done)}${"░".repeat(BAR - done)}  ${tally.enqueued}/${total} e-mails enqueued`,
    "",
    `  ${"provider".padEnd(10)}${["delivered", "stood in", "failed"].map((title) => title.padStart(11)).join("")}   circuit`,
    ...rows,
    "",
    `  delivered ${tally.delivered}   waiting ${waiting(tally)}   dead letters ${tally.dead}`,
    `  ${note}`,
  ];
}

function cell(count: number): string {
  return String(count).padStart(11);
}

function waiting(tally: Tally): number {
  return Math.max(0, tally.enqueued - tally.delivered - tally.dead);
}

/** The table at the end. */
export function summaryLines(summary: Summary): readonly string[] {
  const head = ["job", "enqueued", "delivered", "dead letters", "failed over"];
  const rows = Object.entries(summary.jobs).map(([name, row]) => [
    name,
    row.enqueued,
    row.delivered,
    row.deadLettered,
    row.failedOver,
  ]);
  const providers = Object.entries(summary.providers).map(([name, { accepted }]) => `${name} ${accepted}`);
  return [
    "",
    ...[head, ...rows].map(
      (cells) =>
        `  ${cells.map((text, i) => (i === 0 ? String(text).padEnd(16) : String(text).padStart(14))).join("")}`,
    ),
    "",
    `  arrived at the providers: ${providers.join(", ")}`,
    `  arrived twice: ${summary.duplicates}, of these not marked as possible beforehand: ${summary.unlabelledDuplicates}`,
    `  still queued: ${summary.stillQueued}`,
    `  lost: ${summary.lost}`,
    `  took ${summary.seconds} s`,
    "",
  ];
}
