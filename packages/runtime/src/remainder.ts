import { type AnyJob, type Envelope, type Trail, type Undelivered, UnderstudyError } from "@understudy/core";
import { digest, jobIdOf, type NewJob } from "@understudy/queue";

import type { Run } from "./run.ts";

const ADD_DEADLINE_MS = 5000;

/**
 * Partly delivered is delivered, and the rest is work: each part that was refused becomes a job of its own, with a life of
 * its own when it was refused for now, and dead as soon as it is received when for good. They are stored before their parent
 * is settled, again and again while Redis is away: their ids are the same each time, and the parent could not be settled
 * without Redis either.
 * @throws when the run is aborted first, or Redis refuses
 */
export async function addRemainders(job: AnyJob, envelope: Envelope, trail: Trail, run: Run): Promise<void> {
  const parts = trail.flatMap((outcome) => (outcome.kind === "delivered" ? (outcome.undelivered ?? []) : []));
  const jobs = parts.map((part) => remainder(job, envelope, part, run.now()));
  while (jobs.length > 0) {
    try {
      await run.producer.add(run.family, jobs, ADD_DEADLINE_MS);
      return;
    } catch (error) {
      if (run.signal.aborted || !isUnreachable(error)) throw error;
    }
  }
}

function remainder(job: AnyJob, parent: Envelope, { item, permanent }: Undelivered, now: number): NewJob {
  const idempotencyKey = `${parent.idempotencyKey}#${digest(item)}`;
  const { bound: _, ...inherited } = parent;
  const envelope: Envelope = {
    ...inherited,
    only: item,
    idempotencyKey,
    enqueuedAt: now,
    lifeStartedAt: now,
    generation: 1,
    attempt: 0,
    startsSettled: 0,
    trail: [],
    ...(permanent ? { ended: { cause: "undelivered", effect: "none", at: now } } : {}),
  };
  return {
    id: jobIdOf(job.name, idempotencyKey),
    name: job.name,
    data: JSON.stringify(envelope),
    timestamp: now,
    keepCompletedMs: job.keepCompletedMs,
  };
}

function isUnreachable(error: unknown): boolean {
  return error instanceof UnderstudyError && error.code === "redis_unreachable";
}
