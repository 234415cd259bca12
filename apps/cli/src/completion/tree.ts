import { type Complete, RootCommand } from "@bomb.sh/tab";
import { causes } from "@understudy/core";
import { jobs } from "@understudy/jobs";
import { roles } from "@understudy/operator";
import type { Command, Option } from "commander";

/** Values that can be offered without asking Redis: completion must be quick, and work when Redis is down. */
const known: Readonly<Record<string, readonly string[]>> = {
  queue: [...new Set(jobs.map((job) => job.queue))],
  job: jobs.map((job) => job.name),
  capability: [...new Set(jobs.map((job) => job.capability.name))],
  cause: causes,
  effect: ["none", "maybe"],
  role: roles,
};

/** The commands as the completion engine wants them. @param providers names, which need their catalogue to be known */
export function completionTree(program: Command, providers: readonly string[]): RootCommand {
  const values: Readonly<Record<string, readonly string[]>> = {
    ...known,
    provider: providers,
    to: providers,
  };
  const root = new RootCommand();
  const walk = (command: Command, path: readonly string[]): void => {
    const at = path.length === 0 ? root : root.command(path.join(" "), command.description());
    // Global flags may stand behind any command.
    for (const option of [...command.options, ...program.options]) addOption(at, option, values);
    for (const argument of command.registeredArguments)
      at.argument(
        argument.name(),
        offer(argument.argChoices ?? values[argument.name()] ?? []),
        argument.variadic,
      );
    const shown = command.commands.filter((child) =>
      command.createHelp().visibleCommands(command).includes(child),
    );
    for (const child of shown) walk(child, [...path, child.name()]);
  };
  walk(program, []);
  return root;
}

function addOption(
  at: Pick<RootCommand, "option">,
  { long, description, required, argChoices }: Option,
  values: Readonly<Record<string, readonly string[]>>,
): void {
  const name = (long ?? "").slice(2);
  if (!required) at.option(name, description);
  else at.option(name, description, offer(argChoices ?? values[name] ?? []));
}

function offer(values: readonly string[]): (complete: Complete) => void {
  return (complete) => {
    for (const value of values) complete(value, "");
  };
}
