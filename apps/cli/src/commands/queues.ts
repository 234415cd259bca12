import type { QueueView } from "@understudy/operator";
import type { Command } from "commander";

import { plain } from "../plain.ts";
import { act } from "../session.ts";
import type { Column } from "../table.ts";
import { durationWords } from "../time.ts";
import { count } from "../words/count.ts";
import { addCommand } from "./group.ts";
import { type ReasonFlags, reasonFlag } from "./reason.ts";

export function addQueues(program: Command): void {
  const queues = addCommand(program, "queues", {
    summary: "what waits on the queues; hold one, let it go on",
    examples: [
      "queues ls",
      'queues pause email --reason "wrong template went out"',
      "queues resume email --reason mended",
    ],
  });
  addCommand(queues, "ls", {
    summary: "every queue with what waits, runs and died",
    examples: ["queues ls", "queues ls --json | jq '.queues[] | select(.workers == 0).name'"],
  }).action(
    act(async ({ operator, terminal, answer }) => {
      const views = await operator.queues();
      answer({ queues: views }, () => {
        if (terminal.isQuiet) for (const { name } of views) terminal.print(plain(name));
        else terminal.table(columns, views);
        if (views.length === 0) terminal.remark("No job was ever enqueued in this namespace.");
      });
    }),
  );
  addCommand(queues, "pause", {
    summary: "let no worker take another job of a queue; what runs, ends",
    examples: ['queues pause email --reason "wrong template went out"'],
  })
    .argument("<queue>", "its name")
    .addOption(reasonFlag())
    .action(
      act<ReasonFlags>(async (session, [name = ""], flags) => {
        await session.operator.pauseQueue(name, await session.who(flags));
        session.answer({ queue: name, isPaused: true }, () =>
          session.terminal.remark(
            `${plain(name)} is paused: go on with understudy queues resume ${plain(name)}`,
          ),
        );
      }),
    );
  addCommand(queues, "resume", {
    summary: "let workers take jobs of a paused queue again",
    examples: ["queues resume email --reason mended"],
  })
    .argument("<queue>", "its name")
    .addOption(reasonFlag())
    .action(
      act<ReasonFlags>(async (session, [name = ""], flags) => {
        await session.operator.resumeQueue(name, await session.who(flags));
        session.answer({ queue: name, isPaused: false }, () =>
          session.terminal.remark(`${plain(name)} goes on.`),
        );
      }),
    );
}

const right = "right" as const;
const columns: readonly Column<QueueView>[] = [
  { title: "queue", value: ({ name, isPaused }) => plain(name) + (isPaused ? " (paused)" : ""), min: 10 },
  { title: "waiting", value: ({ waiting }) => count(waiting), align: right },
  { title: "delayed", value: ({ delayed }) => count(delayed), align: right },
  { title: "active", value: ({ active }) => count(active), align: right },
  { title: "dead", value: ({ dead }) => count(dead), align: right },
  { title: "failed", value: ({ failed }) => count(failed), align: right, from: 100 },
  { title: "completed", value: ({ completed }) => count(completed), align: right, from: 110 },
  {
    title: "oldest",
    value: ({ oldestWaitingMs }) => (oldestWaitingMs === undefined ? "–" : durationWords(oldestWaitingMs)),
    align: right,
    min: 6,
  },
  { title: "rate", value: ({ perSecond }) => `${perSecond.toFixed(1)}/s`, align: right },
  {
    title: "drains in",
    value: ({ drainMs, waiting }) =>
      waiting === 0 ? "–" : drainMs === undefined ? "never" : durationWords(drainMs),
    align: right,
    min: 6,
    from: 90,
  },
  { title: "workers", value: ({ workers }) => count(workers), align: right },
];
