import { setTimeout as sleep } from "node:timers/promises";

import {
  asError,
  type AnyJob,
  backoff,
  type Delivered,
  effectOfOutcome,
  type Envelope,
  type Outcome,
  standing,
  type Trail,
  type Undelivered,
} from "@understudy/core";
import { digest, jobIdOf, type NewJob } from "@understudy/queue";

import type { Run } from "./run.ts";

const ADD_DEADLINE_MS = 5000;
const PAUSE_MS = 1000;

/**
 * Partly delivered is delivered, and the rest is work: each part that was refused becomes a job of its own, which tries
 * again when it was refused for now, and is dead as soon as it is received when for good. They are stored before their parent
 * is settled, for as long as Redis does not take them: their ids are the same each time. When the run is aborted first, the
 * parent's trail still names them.
 */
export async function addRemainders(job: AnyJob, envelope: Envelope, trail: Trail, run: Run): Promise<void> {
  const jobs = trail.flatMap((outcome) =>
    isPartial(outcome, envelope) ? remainders(job, envelope, trail, outcome, run) : [],
  );
  while (jobs.length > 0) {
    try {
      await run.producer.add(run.family, jobs, ADD_DEADLINE_MS);
      return;
    } catch (error) {
      run.observe({ event: "trouble", queue: run.family.name, error: asError(error) });
      // Delivered first is delivered, whatever becomes of the rest.
      if (run.signal.aborted) return;
      await sleep(PAUSE_MS);
    }
  }
}

type Partial = Outcome & Delivered & { readonly undelivered: readonly Undelivered[] };

/** A part has no parts: what an adapter says about one recipient is the whole answer. */
export function isPartial(outcome: Outcome, { only }: Envelope): outcome is Partial {
  return outcome.kind === "delivered" && outcome.undelivered !== undefined && only === undefined;
}

function remainders(
  job: AnyJob,
  parent: Envelope,
  trail: Trail,
  outcome: Partial,
  run: Run,
): readonly NewJob[] {
  // A call of unknown fate may have reached this part too.
  const unknown = standing([...parent.trail, ...trail]).filter((one) => effectOfOutcome(one) === "maybe");
  return outcome.undelivered.map((part) =>
    remainder(job, { ...parent, trail: unknown }, part, outcome.provider, run),
  );
}

/** @param parent with what may have happened to the part so far as its trail */
function remainder(job: AnyJob, parent: Envelope, part: Undelivered, provider: string, run: Run): NewJob {
  const now = run.now();
  // The id and not the key, for each sink has a job of the same key; and the time, for there may have been an earlier job of the
  // same id, long forgotten but for the dead letter of its part.
  const idempotencyKey = `${run.fetched.id}#${parent.enqueuedAt}#${digest(part.item)}`;
  const { bound: _, ...inherited } = parent;
  // The age counts from the parent's: a late part of a mail is as worthless as a late mail.
  const envelope: Envelope = {
    ...inherited,
    only: part.item,
    idempotencyKey,
    enqueuedAt: now,
    generation: 1,
    attempt: 0,
    startsSettled: 0,
    ...(part.permanent
      ? {
          ended: {
            cause: "undelivered",
            effect: parent.trail.length > 0 ? "maybe" : "none",
            reason: `${provider} refused it for good: ${part.code}`,
            at: now,
          },
        }
      : {}),
  };
  return {
    id: jobIdOf(job.name, idempotencyKey),
    name: job.name,
    data: JSON.stringify(envelope),
    timestamp: now,
    keepCompletedMs: job.keepCompletedMs,
    priority: run.fetched.priority,
    ...(part.permanent ? {} : { delayMs: backoff(job.retry, 1, run.random()) }),
  };
}
