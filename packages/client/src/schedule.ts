import {
  type AnyJob,
  CARD_NUMBER_REFUSED,
  type Envelope,
  ENVELOPE_VERSION,
  holdsCardNumber,
  unsaid,
} from "@understudy/core";
import { cronProblem, type Schedule } from "@understudy/queue";

import { EnqueueError } from "./enqueue-error.ts";
import { checkSize, payloadOnTheWire } from "./seal.ts";

export interface ScheduleOptions {
  /** Names the schedule among those of the job; setting it again replaces it. */
  readonly key: string;
  /** Five fields, or six with seconds first, such as "0 7 * * mon". */
  readonly cron: string;
  /** IANA, such as Europe/Berlin. Default UTC. */
  readonly timeZone?: string;
}

const keyShape = /^[\w.-]{1,128}$/u;

/** @throws EnqueueError option_invalid, payload_invalid, payload_too_large */
export function scheduleOf(
  job: AnyJob,
  payload: unknown,
  { key, cron, timeZone = "UTC" }: ScheduleOptions,
  maxPayloadBytes: number,
): Schedule {
  const wrong = (problem: string): EnqueueError =>
    new EnqueueError("option_invalid", `The schedule of ${job.name}: ${problem}`);
  if (job.capability.sinks === true)
    throw wrong(
      "its jobs go to sinks, one job for each, which a schedule cannot make; enqueue them when they are due.",
    );
  if (!keyShape.test(key)) throw wrong("key must be 1 to 128 letters, digits, dots, dashes or underscores.");
  if (job.capability.duplicates === "forbidden" && holdsCardNumber(key))
    throw wrong(`key ${CARD_NUMBER_REFUSED}, or name the order.`);
  if (!/^\S+(?:\s+\S+){4,5}$/u.test(cron.trim()))
    throw wrong(`cron must have five fields, or six with seconds first; "${cron.slice(0, 60)}" has not.`);
  if (!isTimeZone(timeZone))
    throw wrong(`"${timeZone.slice(0, 60)}" is no IANA time zone, such as Europe/Berlin.`);
  const problem = cronProblem(cron.trim(), timeZone, Date.now());
  if (problem !== undefined) throw wrong(`cron "${cron.slice(0, 60)}" will not do: ${problem}.`);
  const wire = payloadOnTheWire(job.name, job, payload);
  // Each job that the schedule makes is due at a time of its own and has an id, and so a key, of its own.
  const envelope: Envelope = {
    v: ENVELOPE_VERSION,
    payload: wire,
    idempotencyKey: key,
    enqueuedAt: 0,
    lifeStartedAt: 0,
    ...unsaid,
    schedule: key,
  };
  checkSize(job.name, JSON.stringify(envelope), maxPayloadBytes);
  return {
    key,
    cron: cron.trim(),
    timeZone,
    jobName: job.name,
    data: envelope,
    keepCompletedMs: job.keepCompletedMs,
  };
}

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).format(0) !== "";
  } catch {
    return false;
  }
}
