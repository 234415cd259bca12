import { compact, type Envelope, spendsAttempt, type Trail, type Verdict } from "@understudy/core";
import type { Fetched, Settlement } from "@understudy/queue";

/** The envelope after a run: what was learnt is written down together with the move that follows from it. */
export function advance(
  envelope: Envelope,
  run: {
    readonly trail: Trail;
    readonly bound: Envelope["bound"];
    readonly verdict: Verdict;
    readonly starts: number;
    readonly now: number;
  },
): Envelope {
  const { bound: _, ended: __, lookUp, ...rest } = envelope;
  const { verdict } = run;
  const isOver = verdict.kind === "complete" || verdict.kind === "dead_letter";
  return {
    ...rest,
    // Whoever only waits is still to be looked up, and nothing else.
    ...(isOver || lookUp === undefined ? {} : { lookUp }),
    attempt: envelope.attempt + (spendsAttempt(run.trail) ? 1 : 0),
    startsSettled: run.starts,
    trail: compact([...envelope.trail, ...run.trail]),
    ...(run.bound === undefined ? {} : { bound: run.bound }),
    ...(verdict.kind === "dead_letter"
      ? { ended: { cause: verdict.cause, effect: verdict.effect, at: run.now } }
      : {}),
  };
}

/** What is written with a verdict. */
interface Writing {
  /** JSON; undefined when the job's data is to stay as it is. */
  readonly data: string | undefined;
  readonly reason: string;
  readonly log: readonly string[];
}

/**
 * The one translation of a verdict into a BullMQ move.
 * @param afterwards what is told once Redis has agreed
 */
export function settlementOf(
  verdict: Verdict,
  { data, reason, log }: Writing,
  afterwards: () => void,
): Settlement {
  const move = moveOf(verdict, reason);
  return data === undefined ? { move, afterwards, log } : { move, afterwards, log, data };
}

/**
 * A job of a newer release keeps its data, except that every version of an envelope counts settled starts: this one. Those
 * that were lost before it are left for a worker who can write down that they were.
 */
export function stampStarts({ data }: Fetched): string | undefined {
  if (typeof data !== "object" || data === null || !("v" in data)) return undefined;
  const settled = "startsSettled" in data ? data.startsSettled : 0;
  return typeof settled === "number" ? JSON.stringify({ ...data, startsSettled: settled + 1 }) : undefined;
}

function moveOf(verdict: Verdict, reason: string): Settlement["move"] {
  switch (verdict.kind) {
    case "complete":
      return { to: "completed", returnValue: verdict.receipt };
    case "retry":
    case "snooze":
      return { to: "delayed", delayMs: verdict.delayMs, spendsAttempt: verdict.kind === "retry" };
    case "dead_letter":
      return { to: "failed", reason: `${verdict.cause}: ${reason}` };
  }
}
