import { join } from "node:path";
import { parseArgs, type ParseArgsOptionsConfig } from "node:util";

import { type Kind, makeFolder } from "./make-folder.ts";

interface Command {
  readonly kind: Kind;
  readonly usage: string;
  readonly options?: ParseArgsOptionsConfig;
  /** What is wrong with the options, if anything is. */
  readonly check?: (options: Readonly<Record<string, unknown>>) => string | undefined;
  readonly next: (name: string) => readonly string[];
}

const repo = join(import.meta.dirname, "../../..");

/** The whole of `npm run new-…`: one name in, what was written and what to do next out; status 2 when asked wrongly. */
export async function run(command: Command): Promise<void> {
  try {
    const { values, positionals } = parseArgs({ options: command.options ?? {}, allowPositionals: true });
    const [name, ...more] = positionals;
    if (name === undefined || more.length > 0) throw new Error("Give one name.");
    const problem = command.check?.(values);
    if (problem !== undefined) throw new Error(problem);
    for (const path of await makeFolder(repo, command.kind, name)) console.log(`wrote ${path}`);
    console.log(
      ["", "Next:", ...command.next(name).map((step, index) => `  ${index + 1}. ${step}`)].join("\n"),
    );
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\nUsage: ${command.usage}`);
    process.exitCode = 2;
  }
}
