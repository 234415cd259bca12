import { setTimeout as sleep } from "node:timers/promises";

import {
  type AnyJob,
  backoff,
  type Delivered,
  type Envelope,
  type Outcome,
  type Trail,
  type Undelivered,
} from "@understudy/core";
import { digest, jobIdOf, type NewJob } from "@understudy/queue";

import { asError } from "./events.ts";
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
    isPartial(outcome, envelope) ? remainders(job, envelope, outcome, run) : [],
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
function isPartial(outcome: Outcome, { only }: Envelope): outcome is Partial {
  return outcome.kind === "delivered" && outcome.undelivered !== undefined && only === undefined;
}

function remainders(job: AnyJob, parent: Envelope, outcome: Partial, run: Run): readonly NewJob[] {
  return outcome.undelivered.map((part) => remainder(job, parent, part, outcome.provider, run));
}

function remainder(job: AnyJob, parent: Envelope, part: Undelivered, provider: string, run: Run): NewJob {
  const now = run.now();
  const idempotencyKey = `${parent.idempotencyKey}#${digest(part.item)}`;
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
    trail: [],
    ...(part.permanent
      ? {
          ended: {
            cause: "undelivered",
            effect: "none",
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
