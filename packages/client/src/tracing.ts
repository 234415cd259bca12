import {
  type Attributes,
  INVALID_SPAN_CONTEXT,
  INVALID_TRACEID,
  type ProxyTracerProvider,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
  type Tracer,
  type TracerProvider,
} from "@opentelemetry/api";
import { type AnyJob, formatTraceparent, UnderstudyError } from "@understudy/core";

import type { Enqueued } from "./answers.ts";
import type { Sealed } from "./seal.ts";

/**
 * Begins the span of an enqueue; undefined while no OpenTelemetry SDK is registered, which is found out by a look at a global.
 * Names and attributes: https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/
 */
export function startSending(job: AnyJob): Sending | undefined {
  const tracer = registeredTracer();
  return tracer && new Sending(tracer, job);
}

/** One enqueue as a trace shows it: ids, counts and codes, and nothing of the payload. */
export class Sending {
  /** For the envelopes of its jobs, sampled or not: else whoever works them off would decide anew. Undefined inside of what is not to be traced. */
  traceparent: string | undefined;
  readonly #span: Span;

  constructor(tracer: Tracer, { name, queue }: AnyJob) {
    const attributes = {
      "messaging.system": "bullmq",
      "messaging.operation.type": "send",
      "messaging.operation.name": "send",
      "messaging.destination.name": queue,
      "understudy.job": name,
    };
    this.#span = start(tracer, `send ${queue}`, attributes);
    this.#watch((span) => {
      const context = span.spanContext();
      if (context.traceId !== INVALID_TRACEID) this.traceparent = formatTraceparent(context);
    });
  }

  /** Tracers are somebody else's: the job is stored, whoever watches, and its caller is told so. */
  #watch(tell: (span: Span) => void): void {
    try {
      tell(this.#span);
    } catch {
      // It is their trace.
    }
  }

  /** What goes to Redis for one payload: a job, or one for each sink. */
  sendsOne(jobs: readonly Sealed[]): void {
    const [first] = jobs;
    if (jobs.length !== 1 || first === undefined) this.sendsMany(jobs.length);
    else this.#watch((span) => span.setAttribute("messaging.message.id", first.id));
  }

  sendsMany(count: number): void {
    this.#watch((span) => span.setAttribute("messaging.batch.message_count", count));
  }

  /** A duplicate's own trace ends here: the job keeps the one that it was stored with. */
  answered({ status }: Enqueued): void {
    this.#watch((span) => span.setAttribute("understudy.enqueued", status));
  }

  failed(error: unknown): void {
    const code = error instanceof UnderstudyError ? error.code : "_OTHER";
    this.#watch((span) => span.setStatus({ code: SpanStatusCode.ERROR }).setAttribute("error.type", code));
  }

  end(): void {
    this.#watch((span) => span.end());
  }
}

const SCOPE = "@understudy/client";

function registeredTracer(): Tracer | undefined {
  // A proxy, from whichever copy of the API the SDK came with: nobody is behind it until an SDK is registered.
  const provider: TracerProvider & Partial<Pick<ProxyTracerProvider, "getDelegateTracer">> =
    trace.getTracerProvider();
  try {
    return provider.getDelegateTracer === undefined
      ? provider.getTracer(SCOPE)
      : provider.getDelegateTracer(SCOPE);
  } catch {
    return undefined;
  }
}

function start(tracer: Tracer, name: string, attributes: Attributes): Span {
  try {
    return tracer.startSpan(name, { kind: SpanKind.PRODUCER, attributes });
  } catch {
    return trace.wrapSpanContext(INVALID_SPAN_CONTEXT);
  }
}
