import { type AnyJob, type Envelope, type Trail, type Undelivered } from "@understudy/core";
import { digest, type Family, jobIdOf, type NewJob, type Producer } from "@understudy/queue";

/**
 * Partly delivered is delivered, and the rest is work: each part that was refused becomes a job of its own, which starts a
 * life of its own when it was refused for now, and is a dead letter as soon as it is received when for good.
 */
export function remaindersOf(job: AnyJob, envelope: Envelope, trail: Trail, now: number): readonly NewJob[] {
  return trail
    .flatMap((outcome) => (outcome.kind === "delivered" ? (outcome.undelivered ?? []) : []))
    .map((part) => remainder(job, envelope, part, now));
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

const ADD_DEADLINE_MS = 5000;

/**
 * Stores the remainders before their parent is settled, again and again while Redis is away: their ids are the same each
 * time, and the parent could not be settled without Redis either.
 * @throws when the signal aborts first
 */
export async function addRemainders(
  producer: Producer,
  family: Family,
  jobs: readonly NewJob[],
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    try {
      await producer.add(family, jobs, ADD_DEADLINE_MS);
      return;
    } catch (error) {
      if (signal.aborted) throw error;
    }
  }
}
