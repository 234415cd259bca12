import { type Command, Option } from "commander";
import { describe, expect, test } from "vitest";

import { tidyTwins } from "./flags.ts";
import { createProgram } from "./program.ts";

const program = createProgram();
const all = commandsOf(program);

function commandsOf(command: Command): readonly Command[] {
  const shown = command.createHelp().visibleCommands(command);
  return [command, ...shown.filter((child) => child.name() !== "help").flatMap(commandsOf)];
}

function helpOf(command: Command): string {
  let help = "";
  command.configureOutput({ writeOut: (text) => (help += text), getOutHelpWidth: () => 80 });
  command.outputHelp();
  return help;
}

/** Each on one line, without what is quoted or piped into something else. */
function examplesOf(command: Command): readonly string[] {
  const [examples = ""] = helpOf(command).split("\nUsage:");
  const lines = examples.replaceAll(/\\\n\s+/gu, "").split("\n");
  return lines
    .filter((line) => line.startsWith("  $ "))
    .map((line) => line.replaceAll(/"[^"]*"|'[^']*'/gu, "x").replace(/\|.*/u, ""));
}

function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}

describe.each(all.map((command) => [pathOf(command), command] as const))("%s", (path, command) => {
  test("has a help that begins with examples of it, 80 columns wide", () => {
    const help = helpOf(command);
    expect(help).toMatch(/^Examples:\n {2}\$ understudy /u);
    expect(help).toContain(`$ ${path}`);
    for (const line of help.split("\n")) expect(line.length, line).toBeLessThanOrEqual(80);
  });

  test("shows flags that exist in its examples", () => {
    const unknown = examplesOf(command).flatMap((example) => {
      const words = example.split(/\s+/u).slice(3);
      const named = words.reduce(
        (at, word) => at.commands.find((child) => child.name() === word) ?? at,
        program,
      );
      const flags = [...named.options, ...program.options].map(({ long }) => long ?? "");
      return words.filter((word) => word.startsWith("--") && !flags.includes(word));
    });
    expect(unknown).toEqual([]);
  });

  test("has a twin in the environment for each of its flags", () => {
    for (const option of command.options) {
      const twin = `UNDERSTUDY_${(option.long ?? "").slice(2).replaceAll("-", "_").toUpperCase()}`;
      expect(option.envVar, option.flags).toBe(twin);
    }
  });
});

test("a switch is on or off in the environment as it says, and an empty variable counts as absent", () => {
  const env: NodeJS.ProcessEnv = {
    UNDERSTUDY_JSON: "0",
    UNDERSTUDY_QUIET: "1",
    UNDERSTUDY_YES: "perhaps",
    UNDERSTUDY_QUEUE: "",
    UNDERSTUDY_JOB: "0",
  };
  expect(tidyTwins(program, env)).toEqual(["UNDERSTUDY_YES is wrong: it is 1 or 0."]);
  expect(env).toEqual({ UNDERSTUDY_QUIET: "1", UNDERSTUDY_YES: "perhaps", UNDERSTUDY_JOB: "0" });
  expect(program.options.every((option) => option instanceof Option)).toBe(true);
});
