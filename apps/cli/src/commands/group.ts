import type { Command } from "commander";

interface About {
  readonly summary: string;
  /** Each a whole line for a shell; they come first in the help. */
  readonly examples: readonly string[];
}

/** A command whose help begins with examples. @param usage its name and arguments, as commander takes them */
export function addCommand(parent: Command, usage: string, about: About): Command {
  return describe(parent.command(usage), about);
}

export function describe(command: Command, { summary, examples }: About): Command {
  const lines = examples.map(exampleLines);
  return command.description(summary).addHelpText("before", `Examples:\n${lines.join("\n")}\n`);
}

const WIDTH = 80;

/** A line that is too long for a terminal goes on in the next, as a shell takes it. */
function exampleLines(example: string): string {
  const lines: string[] = [];
  for (const part of `understudy ${example}`.split(/ (?=--?\w|\|)/u)) {
    const last = lines.at(-1);
    if (last !== undefined && `  $ ${last} ${part} \\`.length <= WIDTH)
      lines[lines.length - 1] = `${last} ${part}`;
    else lines.push(last === undefined ? part : `    ${part}`);
  }
  return `  $ ${lines.join(" \\\n  ")}`;
}
