import { createInterface } from "node:readline/promises";

import { Complaint, exitCodes, interrupted } from "./exit.ts";
import type { Terminal } from "./terminal.ts";

/** Asks on stderr, so that stdout holds the answer of the command alone. @throws Complaint on Ctrl-C or Ctrl-D */
async function ask(question: string): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  const leaving = Promise.withResolvers<never>();
  lines.once("SIGINT", () => leaving.reject(interrupted()));
  lines.once("close", () => leaving.reject(interrupted()));
  try {
    return (await Promise.race([lines.question(question), leaving.promise])).trim();
  } finally {
    lines.close();
  }
}

/** @throws Complaint when it was not given and there is nobody to ask */
export async function askReason({ isInteractive }: Terminal, given: string | undefined): Promise<string> {
  if (given !== undefined && given.trim() !== "") return given.trim();
  if (!isInteractive)
    throw new Complaint("This changes something, so say why: --reason, or UNDERSTUDY_REASON.");
  const reason = await ask("Why? (stands in the audit log) ");
  if (reason === "")
    throw new Complaint("This changes something, so say why: --reason. Nothing was changed.");
  return reason;
}

/**
 * Whoever acts on many types how many there are.
 * @throws Complaint when the count is another, or there is nobody to ask
 */
export async function askCount({ isInteractive }: Terminal, verb: string, count: number): Promise<void> {
  if (!isInteractive)
    throw new Complaint(
      `This would ${verb} ${count} dead letters, and there is no terminal to confirm it on: give --yes. Nothing was changed.`,
    );
  const typed = await ask(`Type ${count} to ${verb} them, anything else to leave them: `);
  if (typed.replaceAll(/[,.\s_]/gu, "") !== String(count))
    throw new Complaint(`That is not ${count}. Nothing was changed.`, exitCodes.leftAlone);
}

/**
 * Whoever does what something speaks against types whom it is about.
 * @throws Complaint when it is another
 */
export async function askName(verb: string, name: string): Promise<void> {
  const typed = await ask(`Type ${name} to ${verb} it all the same, anything else to leave it: `);
  if (typed !== name) throw new Complaint(`That is not ${name}. Nothing was changed.`, exitCodes.leftAlone);
}
