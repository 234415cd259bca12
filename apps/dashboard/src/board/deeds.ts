import type { Operator, Who } from "@understudy/operator";
import { may } from "@understudy/operator";

import type { RunDriver } from "../run-driver.ts";
import type { Deed } from "./policy.ts";
import type { BoardQueue, BoardQueues } from "./queues.ts";

export interface DeedParts {
  readonly operator: Operator;
  readonly runs: RunDriver;
  readonly queues: BoardQueues;
}

/** Done, with what Bull Board's UI expects; or not, and why. */
export type Done = { readonly body: unknown; readonly status: number } | { readonly why: string };

/** Bull Board's pages cannot ask for one. */
const REASON = "Bull Board: retry";
const nothing = { status: 204, body: {} } as const;

export async function doDeed(
  deed: Deed,
  { operator, runs, queues }: DeedParts,
  on: { readonly queue: BoardQueue | undefined; readonly jobId: string; readonly by: Who["by"] },
): Promise<Done> {
  const { queue, jobId, by } = on;
  const who = { by, reason: REASON };
  switch (deed) {
    case "pause-all":
    case "resume-all":
      return await pauseAll(operator, queues, by, deed === "pause-all");
    case "pause":
    case "resume":
      return await pause(operator, queue?.family ?? "", by, deed === "pause");
    case "redrive": {
      const answer = await operator.redrive(jobId, who);
      return answer === "redriven" ? nothing : { why: wordsFor(answer) };
    }
    case "retry-source": {
      const job = await queue?.adapter.getJob(jobId);
      if (job !== undefined && (await job.getState()) !== "failed")
        return {
          why: "Only what failed may run again: this job did not fail, and its effect would happen twice.",
        };
      const answer = await operator.redrive(jobId, who);
      if (answer === "gone")
        return { why: "It is no dead letter yet. Within seconds it will be: redrive it there." };
      return answer === "redriven" ? nothing : { why: wordsFor(answer) };
    }
    case "redrive-all": {
      const run = await operator.start(
        { action: "redrive", selection: { filter: { queue: [queue?.family ?? ""] } } },
        who,
      );
      runs.drive(run.id);
      return { status: 200, body: { retried: run.total, skipped: 0 } };
    }
  }
}

async function pause(operator: Operator, name: string, by: Who["by"], isPause: boolean): Promise<Done> {
  const who = { by, reason: `Bull Board: ${isPause ? "pause" : "resume"}` };
  await (isPause ? operator.pauseQueue(name, who) : operator.resumeQueue(name, who));
  return { status: 200, body: {} };
}

async function pauseAll(
  operator: Operator,
  queues: BoardQueues,
  by: Who["by"],
  isPause: boolean,
): Promise<Done> {
  const action = isPause ? "pause-queue" : "resume-queue";
  const own = queues.all().filter(({ isDead, isMoney }) => !isDead && may(by.role, action, isMoney));
  if (own.length === 0) return { why: `Your role, ${by.role}, may do that to no queue.` };
  for (const { family } of own) await pause(operator, family, by, isPause);
  return { status: 200, body: {} };
}

const words: Readonly<Record<string, string>> = {
  gone: "This letter is gone: somebody redrove or discarded it meanwhile.",
  held: "Nobody knows whether this job had its effect, and it must not have it twice: look it up or release it, on its own page.",
  live: "A job with this id is alive on its queue already.",
  unreadable: "This letter's data cannot be read. It can only be discarded, on its own page.",
  invalid: "Today's schema refuses its payload: edit it on its own page.",
  unserved: "No provider may serve it: look at its own page.",
};

function wordsFor(answer: string): string {
  return words[answer] ?? `It was not redriven: ${answer}.`;
}
