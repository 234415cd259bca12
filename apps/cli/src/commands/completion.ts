import { script } from "@bomb.sh/tab";
import { Argument, type Command } from "commander";

import { bashScript } from "../completion/bash.ts";
import { completionTree } from "../completion/tree.ts";
import { describe } from "./group.ts";

const shells = ["bash", "zsh", "fish"] as const;

/** What the scripts call; never meant for people. */
const QUESTION = "complete";

export function addCompletion(program: Command): void {
  describe(program.command("completion"), {
    summary: "the script that completes commands, flags, queues, jobs and providers in your shell",
    examples: ["completion bash >> ~/.bash_completion", "completion zsh", "completion fish"],
  })
    .addArgument(new Argument("<shell>", "which").choices(shells))
    .action((shell: (typeof shells)[number]) => {
      if (shell === "bash") process.stdout.write(bashScript);
      else script(shell, "understudy", "understudy");
    });
  program
    .command(QUESTION, { hidden: true })
    .argument("[words...]")
    .allowExcessArguments()
    .action(async (words: readonly string[]) => {
      completionTree(program, wantsProviders(words) ? await providerNames() : []).parse([...words]);
    });
}

/** Their catalogue takes longer to load than all the rest, and somebody waits at Tab. */
function wantsProviders(words: readonly string[]): boolean {
  return words.slice(-2).some((word) => /^--(?:provider|to)(?:=|$)/u.test(word));
}

async function providerNames(): Promise<readonly string[]> {
  const { providers } = await import("@understudy/providers");
  return Object.keys(providers);
}
