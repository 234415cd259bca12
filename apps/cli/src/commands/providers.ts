import type { ProviderView } from "@understudy/operator";
import type { Command } from "commander";

import { plain } from "../plain.ts";
import { act } from "../session.ts";
import type { Column } from "../table.ts";
import { durationWords, shortAge } from "../time.ts";
import { count } from "../words/count.ts";
import { addCommand } from "./group.ts";

export function addProviders(program: Command): void {
  const providers = addCommand(program, "providers", {
    summary: "how the providers answer",
    examples: ["providers ls"],
  });
  addCommand(providers, "ls", {
    summary: "calls, errors and open circuits of each provider, as the workers saw them lately",
    examples: ["providers ls", "providers ls --json | jq '.providers[] | select(.openCircuits > 0)'"],
  }).action(
    act(async ({ operator, terminal, answer }) => {
      const views = await operator.providers();
      answer({ providers: views }, () => {
        if (terminal.isQuiet) for (const { provider } of views) terminal.print(plain(provider));
        else terminal.table(columnsAt(Date.now()), views);
        const [first] = views;
        if (first === undefined) terminal.remark("No worker has told of any provider yet.");
        else terminal.remark(`Of the last ${durationWords(first.windowMs)}.`);
      });
    }),
  );
}

function columnsAt(now: number): readonly Column<ProviderView>[] {
  const number = (title: string, of: (view: ProviderView) => number): Column<ProviderView> => ({
    title,
    value: (view) => count(of(view)),
    align: "right",
  });
  return [
    { title: "provider", value: ({ provider }) => plain(provider), min: 8 },
    { title: "capabilities", value: ({ capabilities }) => plain(capabilities.join(", ")), min: 8, from: 100 },
    number("calls", ({ calls }) => calls),
    number("errors", ({ errors }) => errors),
    number("unknown", ({ unknown }) => unknown),
    number("throttled", ({ throttled }) => throttled),
    number("withheld", ({ withheld }) => withheld),
    number("open", ({ openCircuits }) => openCircuits),
    {
      title: "last error",
      value: ({ lastError }) =>
        lastError === undefined ? "–" : `${plain(lastError.code)}, ${shortAge(lastError.at, now)} ago`,
      min: 10,
    },
  ];
}
