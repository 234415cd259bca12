import { type AnyJob, describeIssues, type Envelope, ENVELOPE_VERSION, problemWith } from "@understudy/core";
import { jobIdOf, type NewJob } from "@understudy/queue";

import { EnqueueError } from "./enqueue-error.ts";
import { fingerprint } from "./fingerprint.ts";
import { checkOptions, type EnqueueOptions } from "./options.ts";
import { checkProviders, type Routes, sinksOf } from "./providers.ts";

export interface Sealed extends NewJob {
  readonly idempotencyKey: string;
  readonly fingerprint: string;
  /** The one sink that it is for, where providers are sinks. */
  readonly sink?: string;
}

export interface SealOptions {
  readonly maxPayloadBytes: number;
  /** Says which of many payloads it is. */
  readonly place: string;
  /** The deployment's providers of each capability, as far as they are known here. */
  readonly routes: Routes;
}

/**
 * Checks a payload as the worker will read it, and puts it into its envelope; into one for each sink where the job's providers
 * are sinks.
 */
export function seal(
  job: AnyJob,
  payload: unknown,
  options: EnqueueOptions,
  { maxPayloadBytes, place, routes }: SealOptions,
): readonly Sealed[] {
  const what = `${job.name}${place}`;
  checkOptions(what, job, options);
  const wire = payloadOnTheWire(what, job, payload);
  checkProviders(what, job, wire, options.providers, routes);
  const idempotencyKey = options.idempotencyKey ?? crypto.randomUUID();
  const sealed = (providers: readonly string[] | undefined, sink?: string): Sealed =>
    sealOne(what, job, wire, { ...options, idempotencyKey, providers }, maxPayloadBytes, sink);
  return job.capability.sinks === true
    ? sinksOf(what, job, options.providers, routes).map((sink) => sealed([sink], sink))
    : [sealed(options.providers)];
}

interface OneOptions extends Omit<EnqueueOptions, "providers"> {
  readonly idempotencyKey: string;
  readonly providers: readonly string[] | undefined;
}

function sealOne(
  what: string,
  job: AnyJob,
  wire: unknown,
  { idempotencyKey, providers, ...options }: OneOptions,
  maxPayloadBytes: number,
  sink: string | undefined,
): Sealed {
  const now = Date.now();
  const times = { enqueuedAt: now, lifeStartedAt: now + (options.delayMs ?? 0) };
  const envelope: Envelope = {
    ...newEnvelope(wire, idempotencyKey, times),
    ...(providers === undefined ? {} : { providers }),
    ...(options.deliverBy === undefined ? {} : { deliverBy: Number(options.deliverBy) }),
  };
  const id = jobIdOf(job.name, idempotencyKey);
  return {
    id: sink === undefined ? id : `${id}-${sink}`,
    name: job.name,
    data: writeEnvelope(what, envelope, maxPayloadBytes),
    timestamp: now,
    keepCompletedMs: job.keepCompletedMs,
    idempotencyKey,
    fingerprint: envelope.fingerprint,
    ...(sink === undefined ? {} : { sink }),
    ...(options.delayMs === undefined ? {} : { delayMs: options.delayMs }),
    ...(options.priority === undefined ? {} : { priority: options.priority }),
  };
}

export function newEnvelope(
  payload: unknown,
  idempotencyKey: string,
  times: Pick<Envelope, "enqueuedAt" | "lifeStartedAt">,
): Envelope {
  return {
    v: ENVELOPE_VERSION,
    payload,
    fingerprint: fingerprint(payload),
    idempotencyKey,
    ...times,
    generation: 1,
    attempt: 0,
    startsSettled: 0,
    trail: [],
  };
}

/** @throws EnqueueError payload_too_large */
export function writeEnvelope(what: string, envelope: Envelope, maxBytes: number): string {
  const data = JSON.stringify(envelope);
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
  const wire = wireForm(what, job, payload);
  const problem = problemWith(job, wire);
  if (problem === undefined) return wire;
  throw new EnqueueError("payload_invalid", `The payload of ${what} is wrong: ${problem}`);
}

/** The payload after its trip through JSON: what JSON cannot carry is found here and not by the worker. */
function wireForm(what: string, job: AnyJob, payload: unknown): unknown {
  const parsed = job.payload.safeParse(payload);
  if (!parsed.success)
    throw new EnqueueError(
      "payload_invalid",
      `The payload of ${what} is wrong: ${describeIssues(parsed.error)}`,
    );
  try {
    return JSON.parse(JSON.stringify(parsed.data) ?? "null");
  } catch (error) {
    throw new EnqueueError(
      "payload_invalid",
      `The payload of ${what} cannot be written as JSON; use strings for what JSON lacks.`,
      { cause: error },
    );
  }
}
