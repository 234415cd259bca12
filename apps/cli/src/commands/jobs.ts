import type { CancelAnswer, JobStatus } from "@understudy/client";
import type { Command } from "commander";

import { Complaint, exitCodes } from "../exit.ts";
import { plain, toJson } from "../plain.ts";
import { act, needsProviders, type Session } from "../session.ts";
import { when } from "../time.ts";
import { printPast, printTrail } from "../words/trail.ts";
import { addCommand } from "./group.ts";
import { type ReasonFlags, reasonFlag } from "./reason.ts";

export function addJobs(program: Command): void {
  const jobs = addCommand(program, "jobs", {
    summary: "one job: where it is, why it is there; cancel it",
    examples: ["jobs explain welcome-email-1f0c", 'jobs cancel welcome-email-1f0c --reason "customer left"'],
  });
  addShow(jobs);
  addExplain(jobs);
  addCancel(jobs);
}

function addShow(jobs: Command): void {
  addCommand(jobs, "show", {
    summary: "state, attempts, calls and receipt of a job; never its payload",
    examples: ["jobs show welcome-email-1f0c", "jobs show charge-card-77aa --json | jq .receipt"],
  })
    .argument("<id>", "the job's id")
    .action(
      act(async (session, [id = ""]) => {
        const status = await tellable(session, await session.client().status(id));
        session.answer({ ...status }, () => printStatus(session, status));
        return status.state === "absent" ? exitCodes.leftAlone : exitCodes.done;
      }),
    );
}

/** What the platform knows of a job holds what providers said of it: the operator hides what is sensitive in that. */
async function tellable({ operator }: Session, status: JobStatus): Promise<JobStatus> {
  if (status.state === "absent") return status;
  const [{ trail }, letter] = await Promise.all([
    operator.explain(status.id),
    status.dead === undefined ? undefined : operator.letter(status.id),
  ]);
  const { dead } = status;
  const reason = letter?.reason ?? "it is no dead letter any more";
  return { ...status, trail, ...(dead === undefined ? {} : { dead: { ...dead, reason } }) };
}

function printStatus({ terminal }: Session, status: JobStatus): void {
  const { id, state, queue = "", job = "", attempts, trail, receipt, dead } = status;
  if (state === "absent") {
    terminal.say(absentWords(id));
    return;
  }
  terminal.say(
    `${id} is ${state}: ${job} on ${queue}${attempts === undefined ? "" : `, ${attempts} attempts spent`}.`,
  );
  if (dead !== undefined)
    terminal.say(
      `It died ${dead.cause ?? "for a cause unknown"}, effect ${dead.effect ?? "unknown"}: ${dead.reason}`,
    );
  if (receipt !== undefined) terminal.print(`receipt: ${toJson(receipt)}`);
  terminal.print();
  printTrail(terminal, trail ?? []);
}

function addExplain(jobs: Command): void {
  addCommand(jobs, "explain", {
    summary: "why a job is where it is, in one sentence, what may be done, and every call so far",
    examples: ["jobs explain welcome-email-1f0c", "jobs explain charge-card-77aa --json"],
  })
    .argument("<id>", "the job's id")
    .action(
      act(async ({ operator, terminal, answer }, [id = ""]) => {
        const explanation = await operator.explain(id);
        answer({ ...explanation }, () => {
          terminal.say(explanation.sentence);
          for (const advice of explanation.advice) terminal.say(`- ${advice}`, "  ");
          if (explanation.dueAt !== undefined) terminal.say(`Due ${when(explanation.dueAt, Date.now())}.`);
          if (explanation.state === "absent") return;
          terminal.print();
          printTrail(terminal, explanation.trail);
          printPast(terminal, explanation.past);
        });
        return explanation.state === "absent" ? exitCodes.leftAlone : exitCodes.done;
      }, needsProviders),
    );
}

function addCancel(jobs: Command): void {
  addCommand(jobs, "cancel", {
    summary: "a job that waits becomes a dead letter; one that runs is stopped by its worker",
    examples: ['jobs cancel welcome-email-1f0c --reason "customer left"'],
  })
    .argument("<id>", "the job's id")
    .addOption(reasonFlag())
    .action(
      act<ReasonFlags>(async (session, [id = ""], flags) => {
        const { by, reason } = await session.who(flags);
        const client = session.client();
        const { job, state } = await client.status(id);
        if (state === "absent") throw new Complaint(absentWords(id), exitCodes.leftAlone);
        const { answer, status } = await session.operator.perform(
          { action: "cancel", subject: id, job: job ?? "" },
          { by, reason },
          async () => {
            const value = await client.cancel(id, reason);
            return { result: value.answer, value };
          },
        );
        session.answer({ answer, status }, () => {
          const words = cancelWords(id, { answer, status });
          if (answer === "cancelled") session.terminal.remark(plain(words));
          else session.terminal.say(words);
        });
        return answer === "cancelled" ? exitCodes.done : exitCodes.leftAlone;
      }),
    );
}

function cancelWords(id: string, { answer, status }: CancelAnswer): string {
  switch (answer) {
    case "cancelled":
      return `${id} is cancelled; ${status.dead?.effect === "maybe" ? "it may have had its effect all the same" : "it had no effect"}.`;
    case "too_late":
      return `${id} could not be cancelled: it is ${status.state} already.`;
    case "asked":
      return `${id} still runs; its worker has been asked to stop it. Look again: understudy jobs show ${id}`;
    case "absent":
      return absentWords(id);
  }
}

function absentWords(id: string): string {
  return `There is no job ${id}: it was never enqueued, or has completed so long ago that it is forgotten.`;
}
