import type { Run } from "@understudy/operator";
import type { Command } from "commander";

import { driveRun } from "../bulk.ts";
import { Complaint, exitCodes } from "../exit.ts";
import { plain } from "../plain.ts";
import { act, needsProviders, type Session } from "../session.ts";
import type { Column } from "../table.ts";
import { shortAge } from "../time.ts";
import { count } from "../words/count.ts";
import { printRun, stateWords } from "../words/run.ts";
import { addCommand } from "./group.ts";
import { type ReasonFlags, reasonFlag } from "./reason.ts";

export function addRuns(program: Command): void {
  const runs = addCommand(program, "runs", {
    summary: "bulk actions: how far they are; stop one, go on with one",
    examples: ["runs ls", "runs resume run-1a2b3c"],
  });
  addCommand(runs, "ls", { summary: "the runs of the last 30 days", examples: ["runs ls"] }).action(
    act(async ({ operator, terminal, answer }) => {
      const found = await operator.runs();
      answer({ runs: found }, () => {
        if (terminal.isQuiet) for (const { id } of found) terminal.print(plain(id));
        else terminal.table(columnsAt(Date.now()), found);
        if (found.length === 0) terminal.remark("No bulk action in the last 30 days.");
      });
    }),
  );
  addCommand(runs, "show", { summary: "one run", examples: ["runs show run-1a2b3c"] })
    .argument("<run>", "its id")
    .action(
      act(async (session, [id = ""]) => {
        const run = await knownRun(session, id);
        session.answer({ run }, () => printRun(session.terminal, run, Date.now()));
      }),
    );
  addCommand(runs, "stop", {
    summary: "have whoever drives a run stop it; it can be gone on with",
    examples: ['runs stop run-1a2b3c --reason "provider is down again"'],
  })
    .argument("<run>", "its id")
    .addOption(reasonFlag())
    .action(
      act<ReasonFlags>(async (session, [id = ""], flags) => {
        await knownRun(session, id);
        const run = await session.operator.stop(id, await session.who(flags));
        session.answer({ run }, () => {
          if (!session.terminal.isQuiet) printRun(session.terminal, run, Date.now());
        });
      }),
    );
  addCommand(runs, "resume", {
    summary: "go on with a run that was stopped or whose driver is gone",
    examples: ["runs resume run-1a2b3c"],
  })
    .argument("<run>", "its id")
    .action(
      act(async (session, [id = ""]) => {
        const run = await knownRun(session, id);
        if (run.state !== "done")
          return await driveRun(session, run, { by: session.actor, reason: "resumed from a shell" });
        session.answer({ run }, () => session.terminal.remark(`Run ${plain(id)} is done already.`));
        return exitCodes.done;
      }, needsProviders),
    );
}

async function knownRun({ operator }: Session, id: string): Promise<Run> {
  const run = await operator.run(id);
  if (run !== undefined) return run;
  throw new Complaint(
    `There is no run ${id}; those of the last 30 days are told by understudy runs ls.`,
    exitCodes.leftAlone,
  );
}

function columnsAt(now: number): readonly Column<Run>[] {
  return [
    { title: "ago", value: ({ startedAt }) => shortAge(startedAt, now), align: "right" },
    { title: "action", value: ({ action }) => action },
    { title: "state", value: stateWords },
    { title: "done", value: ({ done, total }) => `${count(done)}/${count(total)}`, align: "right" },
    { title: "left", value: ({ seen, done }) => count(seen - done), align: "right" },
    { title: "by", value: ({ by }) => plain(by), min: 6 },
    { title: "reason", value: ({ reason }) => plain(reason), min: 6, from: 100 },
    { title: "run", value: ({ id }) => plain(id) },
  ];
}
