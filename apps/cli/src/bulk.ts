import type { BulkAction, Plan, PlanOptions, Run, Selection, Who } from "@understudy/operator";

import { askCount } from "./ask.ts";
import { Complaint, type ExitCode, exitCodes } from "./exit.ts";
import { openProgress } from "./progress.ts";
import type { Session } from "./session.ts";
import { count } from "./words/count.ts";
import { printCount, printPlan } from "./words/plan.ts";
import { done, hasLeft, leftWords } from "./words/run.ts";

interface Bulk {
  readonly action: BulkAction;
  readonly selection: Selection;
  readonly options: PlanOptions;
  readonly reason?: string;
}

/** Plans, has it confirmed, starts a run and drives it. */
export async function doInBulk(
  session: Session,
  { action, selection, options, reason }: Bulk,
): Promise<ExitCode> {
  const { operator, terminal, settings } = session;
  const flags = reason === undefined ? {} : { reason };
  // Where nobody can be asked for it, a missing reason is told before any work.
  const given = terminal.isInteractive ? undefined : await session.who(flags);
  const plan = await operator.plan(selection, options);
  if (plan.total === 0) {
    session.answer({ run: null }, () => terminal.remark("No dead letter matches; nothing was done."));
    return exitCodes.done;
  }
  if (!settings.json && !settings.quiet) announce(session, action, plan);
  if (!settings.yes) await askCount(terminal, action, plan.total);
  const who = given ?? (await session.who(flags));
  const run = await operator.start(
    { ...options, action, selection: asPlanned(selection, plan), expected: plan.total },
    who,
  );
  return await driveRun(session, run);
}

function announce({ terminal }: Session, action: BulkAction, plan: Plan): void {
  if (action === "redrive") printPlan(terminal, plan);
  else printCount(terminal, action, plan);
}

/** What died after the plan was made was not confirmed. */
function asPlanned(selection: Selection, { madeAt }: Plan): Selection {
  if ("ids" in selection) return selection;
  const { to = madeAt } = selection.filter;
  return { filter: { ...selection.filter, to: Math.min(to, madeAt) } };
}

/** Drives it with a progress bar until it is done, or Ctrl-C stops it. */
export async function driveRun(
  session: Session,
  { id, action }: Pick<Run, "id" | "action">,
  resume?: Who,
): Promise<ExitCode> {
  const { operator, terminal } = session;
  const leaving = new AbortController();
  const leave = (): void => {
    // A second one ends the process as if nobody listened.
    process.off("SIGINT", leave).off("SIGTERM", leave);
    terminal.remark(`${terminal.drawsProgress ? "\n" : ""}Stopping …`);
    leaving.abort();
  };
  process.on("SIGINT", leave).on("SIGTERM", leave);
  const progress = openProgress(terminal, Date.now);
  const drive = async (): Promise<Run> => {
    try {
      const run = await operator.drive(id, {
        ...(resume === undefined ? {} : { resume }),
        signal: leaving.signal,
        onProgress: progress.show,
      });
      progress.show(run);
      return run;
    } catch (error) {
      throw withResume(error, id, action);
    } finally {
      progress.end();
      process.off("SIGINT", leave).off("SIGTERM", leave);
    }
  };
  return tell(session, await drive(), leaving.signal.aborted);
}

function tell(session: Session, run: Run, isInterrupted: boolean): ExitCode {
  const { terminal } = session;
  const words = `${count(run.done)} of ${count(run.total)} ${done[run.action]}`;
  session.answer({ run }, () => {
    if (!terminal.isQuiet) terminal.say(`${words}.`);
    if (hasLeft(run)) terminal.say(`Left alone: ${leftWords(run)}.`);
  });
  if (run.state === "done") return hasLeft(run) ? exitCodes.leftAlone : exitCodes.done;
  throw new Complaint(
    `Stopped after ${count(run.seen)} of ${count(run.total)}. Go on with: understudy runs resume ${run.id}`,
    isInterrupted ? exitCodes.interrupted : exitCodes.leftAlone,
  );
}

/** The run is on Redis, whatever became of its driver here. */
function withResume(error: unknown, id: string, action: BulkAction): unknown {
  if (!(error instanceof Error) || error instanceof Complaint) return error;
  error.message = `${error.message} The ${action} is not finished; go on with: understudy runs resume ${id}`;
  return error;
}
