import {
  type AnyJob,
  type Cause,
  copiesAllowed,
  effectOfLife,
  type Envelope,
  type Facts,
  foregone,
  type Life,
  type Opened,
  openEnvelope,
  type Outcome,
  requestOf,
  UNKNOWN_PROVIDER,
  type Verdict,
  WORKER_LOST,
} from "@understudy/core";
import { dueTimeOf, type Fetched } from "@understudy/queue";
import { canAskAgain, type Link, questionFor, type Route } from "@understudy/resilience";

import { type FindJob, NOT_AFTER, whatCameOf } from "./after.ts";
import type { Catalogue } from "./catalogue.ts";

/** A job ready to be delivered. */
export interface Ready {
  readonly at: "ready";
  readonly job: AnyJob;
  readonly route: Route;
  readonly envelope: Envelope;
  readonly request: unknown;
  readonly life: Life;
  /** Whom to ask what became of the job's earlier calls, and nothing else. */
  readonly question?: Link;
}

/** A job whose verdict stands without asking anybody. */
export interface Decided {
  readonly at: "decided";
  readonly verdict: Verdict<never>;
  readonly reason: string;
  /** Undefined when the data is not an envelope that this release can rewrite. */
  readonly envelope?: Envelope;
}

export type Received = Ready | Decided;

/** How long a job that this release does not know waits for a worker of a newer one. */
const UNKNOWN_WAIT_MS = 30_000;
const UNKNOWN_MAX_AGE_MS = 24 * 3_600_000;
const ISOLATED_WAIT_MS = 30_000;

/**
 * Opens what BullMQ handed over and finds out whether, and with what past, it may be delivered.
 * @param find looks at another job of the queue
 */
export async function receive(
  fetched: Fetched,
  catalogue: Catalogue,
  find: FindJob,
  now: number,
): Promise<Received> {
  const opened = openEnvelope(fetched.data);
  if (opened.at === "foreign") {
    return decided(dead("invalid", opened), `not a job of this platform: ${opened.problem}`);
  }
  if (opened.at === "newer")
    return unknown(
      opened,
      fetched.enqueuedAt,
      now,
      `envelope version ${opened.version} is newer than this worker`,
    );

  const envelope = withLostStarts(
    dueNow(opened.envelope, fetched, now),
    fetched,
    catalogue.find(fetched.name)?.job,
    now,
  );
  if (envelope.ended !== undefined)
    return {
      at: "decided",
      verdict: { kind: "dead_letter", ...envelope.ended },
      reason: envelope.ended.reason ?? envelope.ended.cause,
      envelope,
    };
  const known = catalogue.find(fetched.name);
  if (known === undefined)
    return unknown(
      { at: "open", envelope },
      envelope.lifeStartedAt,
      now,
      `no job named ${fetched.name} in this worker`,
    );

  const { job, route } = known;
  const life = lifeOf(job, envelope);
  const question = questionFor(route, life, []);
  const facts = pastOf(envelope, {
    canAskAgain: canAskAgain(route, life, [], now),
    lookUpAt: question?.at,
    now,
  });
  const verdict = foregone(job, facts);
  const isToLookUp = envelope.lookUp !== undefined || (verdict?.kind === "snooze" && verdict.delayMs === 0);
  if (isToLookUp && question === undefined) return unanswerable(envelope);
  if (isToLookUp && question?.link.directive?.()?.verb === "isolate")
    return decided(
      { kind: "snooze", delayMs: ISOLATED_WAIT_MS },
      `${question.link.provider} is isolated, and would have to be asked what became of it`,
      envelope,
    );
  if (!isToLookUp && verdict !== undefined)
    return { at: "decided", verdict, reason: sentence(job, verdict), envelope };

  const earlier = job.after === undefined ? NOT_AFTER : await whatCameOf(job, envelope, find, catalogue, now);
  if (earlier.at === "waits") return decided(earlier.verdict, earlier.reason, envelope);
  const requested = requestOf(job, envelope.payload, earlier.earlier);
  if (!requested.ok) return decided(dead("invalid", { at: "open", envelope }), requested.problem, envelope);
  const ready = { job, route, envelope, life, request: partOf(job, requested.request, envelope) };
  return { at: "ready", ...ready, ...(isToLookUp && question ? { question: question.link } : {}) };
}

/** A person wants to know what became of it, and there is nobody to ask. */
function unanswerable(envelope: Envelope): Decided {
  const { cause = "ambiguous", effect = "maybe" } = envelope.lookUp ?? {};
  return decided(
    { kind: "dead_letter", cause, effect },
    "no provider on the route can be asked what became of it",
    envelope,
  );
}

/** What `decide` and `foregone` need to know of the past. */
export function pastOf(
  { trail: history, attempt, lifeStartedAt, lookUp, deliverBy }: Envelope,
  today: Pick<Facts, "canAskAgain" | "lookUpAt" | "now">,
): Omit<Facts, "trail" | "random"> {
  return { history, attempt, lifeStartedAt, lookUp, deliverBy, ...today };
}

function partOf(job: AnyJob, request: unknown, { only }: Envelope): unknown {
  const { narrow } = job.capability;
  return only === undefined || narrow === undefined ? request : narrow(request, only);
}

function lifeOf(job: AnyJob, { trail, bound, grantedCopies = 0 }: Envelope): Life {
  return {
    duplicates: job.capability.duplicates,
    maxPossibleCopies: copiesAllowed(job) + grantedCopies,
    history: trail,
    ...(bound === undefined ? {} : { bound }),
  };
}

/** The job of a schedule is made long before it is due, and begins its life only then; its id is its key. */
function dueNow(envelope: Envelope, { id }: Fetched, now: number): Envelope {
  if (envelope.schedule === undefined || envelope.lifeStartedAt > 0) return envelope;
  const dueAt = dueTimeOf(id) ?? now;
  return { ...envelope, idempotencyKey: id, enqueuedAt: dueAt, lifeStartedAt: dueAt };
}

/**
 * A crash is an outcome. Every settling write stores how many starts it has seen, so a start without one was lost with its
 * worker, perhaps in the middle of a call. Where effects must not be doubled nothing is sent before a binding is written,
 * so without a binding nothing was.
 */
function withLostStarts(
  envelope: Envelope,
  { starts }: Fetched,
  job: AnyJob | undefined,
  now: number,
): Envelope {
  const lost = starts - 1 - envelope.startsSettled;
  if (lost <= 0) return envelope;
  const wasUnbound = job?.capability.duplicates === "forbidden" && envelope.bound === undefined;
  const outcome: Outcome = {
    kind: wasUnbound ? "unavailable" : "ambiguous",
    code: WORKER_LOST,
    detail: "a worker was lost while it ran this job",
    provider: envelope.bound?.provider ?? UNKNOWN_PROVIDER,
    at: now,
    durationMs: 0,
    count: lost,
  };
  return {
    ...envelope,
    attempt: envelope.attempt + lost,
    startsSettled: starts - 1,
    trail: [...envelope.trail, outcome],
  };
}

function unknown(opened: Opened, since: number, now: number, reason: string): Decided {
  const envelope = opened.at === "open" ? opened.envelope : undefined;
  if (now < since + UNKNOWN_MAX_AGE_MS)
    return decided({ kind: "snooze", delayMs: UNKNOWN_WAIT_MS }, reason, envelope);
  return decided(dead("unknown_job", opened), reason, envelope);
}

function dead(cause: Cause, opened: Opened): Verdict<never> {
  return { kind: "dead_letter", cause, effect: effectOfLife(opened, 0) };
}

function decided(verdict: Verdict<never>, reason: string, envelope?: Envelope): Decided {
  return envelope === undefined
    ? { at: "decided", verdict, reason }
    : { at: "decided", verdict, reason, envelope };
}

function sentence(job: AnyJob, verdict: Verdict<never>): string {
  if (verdict.kind !== "dead_letter") return "its provider is asked then what became of it";
  switch (verdict.cause) {
    case "expired":
      return `older than the ${job.maxAgeMs} ms after which a ${job.name} is worthless`;
    case "ambiguous":
      return "nobody knows whether it took effect, and it may not be sent again";
    default:
      return `${job.retry.attempts} attempts are spent`;
  }
}
