import {
  type AnyJob,
  describeIssues,
  type Envelope,
  ENVELOPE_VERSION,
  problemWith,
  problemWithParsed,
  safeParse,
  serialize,
} from "@understudy/core";
import { jobIdOf, type NewJob } from "@understudy/queue";

import { EnqueueError } from "./enqueue-error.ts";
import { isSameJson } from "./is-same-json.ts";
import { checkOptions, type EnqueueOptions } from "./options.ts";
import { checkProviders, type Routes, sinksOf } from "./providers.ts";

export interface Sealed extends NewJob {
  readonly idempotencyKey: string;
  /** The one sink that it is for, where providers are sinks. */
  readonly sink?: string;
}

export interface SealOptions {
  readonly maxPayloadBytes: number;
  /** Says which of many payloads it is. */
  readonly place: string;
  /** The deployment's providers of each capability, as far as they are known here. */
  readonly routes: Routes;
  /** Of the enqueue's span. */
  readonly traceparent?: string | undefined;
}

/**
 * Checks a payload as the worker will read it, and puts it into its envelope; into one for each sink where the job's providers
 * are sinks.
 */
export function seal(
  job: AnyJob,
  payload: unknown,
  options: EnqueueOptions,
  { maxPayloadBytes, place, routes, traceparent }: SealOptions,
): readonly Sealed[] {
  const what = `${job.name}${place}`;
  checkOptions(what, job, options);
  const wire = payloadOnTheWire(what, job, payload);
  checkProviders(what, job, wire, options.providers, routes);
  const given = { what, job, wire, options, maxPayloadBytes, traceparent };
  const idempotencyKey = options.idempotencyKey ?? crypto.randomUUID();
  return job.capability.sinks === true
    ? sinksOf(what, job, options.providers, routes).map((sink) => sealFor(sink, idempotencyKey, given))
    : [sealFor(undefined, idempotencyKey, given)];
}

interface Given {
  readonly what: string;
  readonly job: AnyJob;
  readonly wire: unknown;
  readonly options: EnqueueOptions;
  readonly maxPayloadBytes: number;
  readonly traceparent: string | undefined;
}

function sealFor(sink: string | undefined, idempotencyKey: string, given: Given): Sealed {
  const { what, job, wire, options, maxPayloadBytes, traceparent } = given;
  const { delayMs, priority, deliverBy } = options;
  const providers = sink === undefined ? options.providers : [sink];
  const now = Date.now();
  const times = { enqueuedAt: now, lifeStartedAt: now + (delayMs ?? 0) };
  const envelope: Envelope = {
    ...newEnvelope(wire, options.idempotencyKey, times),
    ...(providers === undefined ? {} : { providers }),
    ...(deliverBy === undefined ? {} : { deliverBy: Number(deliverBy) }),
    ...(traceparent === undefined ? {} : { traceparent }),
  };
  const id = jobIdOf(job.name, idempotencyKey);
  return {
    id: sink === undefined ? id : `${id}-${sink}`,
    name: job.name,
    data: writeEnvelope(what, envelope, maxPayloadBytes),
    timestamp: now,
    keepCompletedMs: job.keepCompletedMs,
    idempotencyKey,
    ...(sink === undefined ? {} : { sink }),
    ...(delayMs === undefined ? {} : { delayMs }),
    ...(priority === undefined ? {} : { priority }),
  };
}

export function newEnvelope(
  payload: unknown,
  idempotencyKey: string | undefined,
  times: Pick<Envelope, "enqueuedAt" | "lifeStartedAt">,
): Envelope {
  return {
    v: ENVELOPE_VERSION,
    payload,
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    ...times,
    generation: 1,
    attempt: 0,
    startsSettled: 0,
    trail: [],
  };
}

/** @throws EnqueueError payload_too_large */
export function writeEnvelope(what: string, envelope: Envelope, maxBytes: number): string {
  const data = serialize(envelope);
  const bytes = Buffer.byteLength(data);
  if (bytes <= maxBytes) return data;
  throw new EnqueueError(
    "payload_too_large",
    `The payload of ${what} takes ${bytes} bytes, more than the ${maxBytes} allowed. Store large parts elsewhere and enqueue a link, or raise maxPayloadBytes.`,
  );
}

/**
 * A payload as the worker will read it, tried as the worker will try it.
 * @throws EnqueueError payload_invalid
 */
export function payloadOnTheWire(what: string, job: AnyJob, payload: unknown): unknown {
  const parsed = safeParse(job.payload, payload);
  if (!parsed.success) throw invalid(what, describeIssues(parsed.error));
  // What JSON does not change, and the schema neither, is the same at the other end.
  const isUnchanged = isSameJson(payload, parsed.data);
  const wire: unknown = isUnchanged ? parsed.data : throughJson(what, parsed.data);
  const problem = isUnchanged ? problemWithParsed(job, wire) : problemWith(job, wire);
  if (problem === undefined) return wire;
  throw invalid(what, problem);
}

function invalid(what: string, problem: string): EnqueueError {
  return new EnqueueError("payload_invalid", `The payload of ${what} is wrong: ${problem}`);
}

/** What JSON cannot carry is found here and not by the worker. */
function throughJson(what: string, payload: unknown): unknown {
  try {
    return JSON.parse(JSON.stringify(payload) ?? "null");
  } catch (error) {
    throw new EnqueueError(
      "payload_invalid",
      `The payload of ${what} cannot be written as JSON; use strings for what JSON lacks.`,
      { cause: error },
    );
  }
}
