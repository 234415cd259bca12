import type { Command } from "commander";

import { examine } from "../doctor/doctor.ts";
import type { Finding } from "../doctor/finding.ts";
import { exitCodes } from "../exit.ts";
import { flag } from "../flags.ts";
import { plain } from "../plain.ts";
import { act } from "../session.ts";
import { wrapped } from "../table.ts";
import { type Terminal } from "../terminal.ts";
import { many } from "../words/count.ts";
import { describe } from "./group.ts";

export function addDoctor(program: Command): void {
  describe(program.command("doctor"), {
    summary:
      "whether this Redis and its workers keep jobs safe; what is not well ends in the command that mends it",
    examples: ["doctor", "doctor --prod", "doctor --json | jq '.findings[] | select(.level == \"problem\")'"],
  })
    .addOption(
      flag("--prod", "ask for what production needs: durability, TLS, a password, more than one worker"),
    )
    .action(
      act<{ readonly prod?: true }>(async (session, _, { prod }) => {
        const findings = await examine(session, prod === true);
        const problems = findings.filter(({ level }) => level === "problem").length;
        session.answer({ ok: problems === 0, findings }, () => print(session.terminal, findings));
        return problems === 0 ? exitCodes.done : exitCodes.leftAlone;
      }),
    );
}

const styles = { ok: "green", warning: "yellow", problem: "red" } as const;
const INDENT = " ".repeat(23);

function print(terminal: Terminal, findings: readonly Finding[]): void {
  // Silent on success, for probes.
  const shown = terminal.isQuiet ? findings.filter(({ level }) => level === "problem") : findings;
  for (const { check, level, sentence, mend } of shown) {
    const [first = "", ...rest] = wrapAt(terminal, sentence);
    terminal.print(`${terminal.paint(styles[level], level.padEnd(8))} ${check.padEnd(13)} ${first}`);
    for (const line of rest) terminal.print(INDENT + line);
    // A command is to be copied, so it is never broken.
    if (mend !== undefined) terminal.print(`${INDENT}${terminal.paint("cyan", `-> ${mend}`)}`);
  }
  const of = (level: Finding["level"]): number => findings.filter((each) => each.level === level).length;
  terminal.remark(`${many(of("problem"), "problem")}, ${many(of("warning"), "warning")}, ${of("ok")} ok.`);
}

function wrapAt({ width }: Terminal, sentence: string): readonly string[] {
  return wrapped(plain(sentence), width === undefined ? undefined : Math.max(30, width - INDENT.length));
}
