import { verbs } from "@understudy/operator";
import type { Command } from "commander";

import { flag, wholeNumber } from "../flags.ts";
import { plain } from "../plain.ts";
import { act } from "../session.ts";
import { durationWords } from "../time.ts";
import { healthColumns, healthRows, unroutedWords } from "../words/health.ts";
import { historyColumns, historyLines } from "../words/history.ts";
import { addCommand } from "./group.ts";
import { addRestore, addVerb } from "./provider-verbs.ts";

export function addProviders(program: Command): void {
  const providers = addCommand(program, "providers", {
    summary: "how the providers answer; send one no work, prefer it, hold it off",
    examples: [
      "providers ls",
      'providers divert sendgrid --for 2h --reason "their status page says so"',
      'providers restore sendgrid --reason "they are back"',
    ],
  });
  addLs(providers);
  for (const verb of verbs) addVerb(providers, verb);
  addRestore(providers);
  addHistory(providers);
}

function addLs(providers: Command): void {
  addCommand(providers, "ls", {
    summary: "state, errors, latency and traffic of each provider and capability, over the whole fleet",
    examples: [
      "providers ls",
      "providers ls --json | jq '.providers[].capabilities[] | select(.state.at != \"closed\")'",
    ],
  }).action(
    act(async ({ operator, terminal, answer }) => {
      const views = await operator.providers();
      answer({ providers: views }, () => {
        const rows = healthRows(views);
        const unrouted = unroutedWords(views);
        if (terminal.isQuiet)
          for (const { provider, capability } of rows) terminal.print(plain(`${provider} ${capability}`));
        else {
          terminal.table(healthColumns(Date.now()), rows);
          const sentences = [...rows.flatMap(({ sentence }) => sentence ?? []), ...unrouted];
          if (sentences.length > 0) terminal.print();
          for (const sentence of sentences) terminal.say(sentence);
        }
        const [first] = views;
        if (first === undefined) terminal.remark("No worker has told of any provider yet.");
        else terminal.remark(`Of the last ${durationWords(first.windowMs)}.`);
      });
    }),
  );
}

function addHistory(providers: Command): void {
  addCommand(providers, "history", {
    summary: "what became of circuits, and what people said of providers, the newest first",
    examples: ["providers history", "providers history --limit 500 --json"],
  })
    .addOption(flag("--limit <count>", "how many").argParser(wholeNumber(1, 500)).default(50))
    .action(
      act<{ readonly limit: number }>(async ({ operator, terminal, answer }, _, { limit }) => {
        const transitions = await operator.transitions(limit);
        answer({ transitions }, () => {
          terminal.table(historyColumns(Date.now()), historyLines(transitions));
          if (transitions.length === 0)
            terminal.remark("No circuit has opened yet, and nobody has said anything.");
        });
      }),
    );
}
