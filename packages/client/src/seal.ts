import {
  type AnyJob,
  describeIssues,
  ENVELOPE_VERSION,
  type NewEnvelope,
  problemWith,
  problemWithParsed,
  safeParse,
} from "@understudy/core";
import { jobIdOf, type NewJob } from "@understudy/queue";

import { EnqueueError } from "./enqueue-error.ts";
import { isSameJson } from "./is-same-json.ts";
import { checkOptions, type EnqueueOptions } from "./options.ts";
import { checkProviders, type Routes, sinksOf } from "./providers.ts";

/** A job as it is stored. A class, so that V8 makes it in the young generation: see docs/internals.md, "Many in one call". */
export class Sealed implements NewJob {
  readonly id: string;
  readonly name: string;
  readonly data: string;
  readonly timestamp: number;
  readonly delayMs: number | undefined;
  readonly priority: number | undefined;
  readonly keepCompletedMs: number;
  readonly idempotencyKey: string;
  /** The one sink that it is for, where providers are sinks. */
  readonly sink: string | undefined;

  constructor(job: NewJob, idempotencyKey: string, sink: string | undefined) {
    this.id = job.id;
    this.name = job.name;
    this.data = job.data;
    this.timestamp = job.timestamp;
    this.delayMs = job.delayMs;
    this.priority = job.priority;
    this.keepCompletedMs = job.keepCompletedMs;
    this.idempotencyKey = idempotencyKey;
    this.sink = sink;
  }
}

/** JSON leaves out what is undefined. */
type Stored = { readonly [Field in keyof NewEnvelope]: NewEnvelope[Field] | undefined };

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
  const sinks = job.capability.sinks === true ? sinksOf(what, job, options.providers, routes) : NO_SINK;
  return sinks.map((sink) => sealFor(sink, idempotencyKey, given));
}

const NO_SINK = [undefined];

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
  const now = Date.now();
  const envelope: Stored = {
    v: ENVELOPE_VERSION,
    payload: wire,
    idempotencyKey: options.idempotencyKey,
    enqueuedAt: now,
    lifeStartedAt: delayMs === undefined || delayMs === 0 ? undefined : now + delayMs,
    providers: sink === undefined ? options.providers : [sink],
    deliverBy: deliverBy === undefined ? undefined : Number(deliverBy),
    traceparent,
  };
  const data = JSON.stringify(envelope);
  checkSize(what, data, maxPayloadBytes);
  const id = jobIdOf(job.name, idempotencyKey);
  const stored = {
    id: sink === undefined ? id : `${id}-${sink}`,
    name: job.name,
    data,
    timestamp: now,
    keepCompletedMs: job.keepCompletedMs,
    delayMs,
    priority,
  };
  return new Sealed(stored, idempotencyKey, sink);
}

/** @throws EnqueueError payload_too_large */
export function checkSize(what: string, data: string, maxBytes: number): void {
  const bytes = Buffer.byteLength(data);
  if (bytes <= maxBytes) return;
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
