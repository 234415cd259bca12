import {
  type Attributes,
  context,
  type Context,
  INVALID_SPAN_CONTEXT,
  INVALID_TRACEID,
  type ProxyTracerProvider,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  type SpanOptions,
  SpanStatusCode,
  trace,
  type Tracer,
  type TracerProvider,
} from "@opentelemetry/api";
import { type Call, formatTraceparent, type Outcome, parseTraceparent, type Verdict } from "@understudy/core";
import type { Fetched, Settlement } from "@understudy/queue";
import type { Link } from "@understudy/resilience";

import type { Received } from "./receive.ts";

/**
 * Begins the span of one run of a job; undefined while no OpenTelemetry SDK is registered, which is found out by a look at a
 * global. Names and attributes: https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/
 */
export function startRunSpan(fetched: Fetched, queue: string): RunSpan | undefined {
  const tracer = registeredTracer();
  return tracer && new RunSpan(tracer, fetched, queue);
}

/**
 * One run of a job as a trace shows it, with a span for each provider that was asked: names, codes, counts and ids. Never what was
 * asked or answered, and never a text for people: those may hold anything.
 */
export class RunSpan {
  readonly #tracer: Tracer;
  readonly #span: Span;
  readonly #context: Context;
  /** Whether this run is the first of its trace. */
  readonly #isFirst: boolean;
  #isOver = false;
  #lost: NodeJS.Timeout | undefined;

  constructor(tracer: Tracer, { id, name, data, starts }: Fetched, queue: string) {
    const { traceparent, past } = Object(data) as { readonly traceparent?: unknown; readonly past?: unknown };
    const parent = parseTraceparent(traceparent);
    // What a person has put back days later is no part of what somebody waited for then: a trace of its own, which leads back there.
    const isNewLife = starts === 1 && Array.isArray(past) && past.length > 0;
    const remote = parent && { ...parent, isRemote: true };
    const attributes = {
      "messaging.system": "bullmq",
      "messaging.operation.type": "process",
      "messaging.operation.name": "process",
      "messaging.destination.name": queue,
      "messaging.message.id": id,
      "understudy.job": name,
    };
    this.#tracer = tracer;
    this.#isFirst = remote === undefined || isNewLife;
    this.#span = start(
      tracer,
      `process ${queue}`,
      {
        kind: SpanKind.CONSUMER,
        attributes,
        ...(isNewLife && remote !== undefined ? { links: [{ context: remote }] } : {}),
      },
      this.#isFirst || remote === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, remote),
    );
    this.#context = trace.setSpan(ROOT_CONTEXT, this.#span);
  }

  /** Does the run. Its span ends by `settled`; when it comes to nothing, here. */
  async round(run: () => Promise<Settlement>): Promise<Settlement> {
    try {
      return Object.assign(await run(), {
        refused: (isFinal: boolean) => this.#refused(isFinal),
      });
    } catch (error) {
      this.#end({}, "internal_error");
      throw error;
    }
  }

  /** The first run of a trace leaves its traceparent in the job, for those that follow. */
  received<R extends Received>(received: R): R {
    const { envelope } = received;
    if (envelope === undefined) return received;
    const attempt = envelope.attempt + 1;
    watch(() => this.#span.setAttribute("understudy.attempt", attempt));
    const traceparent = this.#isFirst ? traceparentOf(this.#span) : undefined;
    return traceparent === undefined ? received : { ...received, envelope: { ...envelope, traceparent } };
  }

  /** Asks a link inside of a span. */
  asking(capability: string): (link: Link, request: unknown, call: Call) => Promise<Outcome> {
    return (link, request, call) =>
      this.call({ provider: link.provider, capability }, call, (inner) => link.adapter(request, inner));
  }

  /** Makes one call inside of a span, so that the spans of whatever the adapter asks with are below it. */
  async call<O extends Outcome>(asked: Asked, call: Call, ask: (call: Call) => Promise<O>): Promise<O> {
    const name = `${asked.capability} ${asked.provider}`;
    const span = start(this.#tracer, name, { kind: SpanKind.CLIENT }, this.#context);
    const traceparent = traceparentOf(span);
    const inner = traceparent === undefined ? call : { ...call, traceparent };
    let asking: Promise<O> | undefined;
    const asks = (): Promise<O> => (asking ??= (async () => await ask(inner))());
    try {
      watch(() => void context.with(trace.setSpan(ROOT_CONTEXT, span), asks));
      const outcome = await asks();
      const isFailed = outcome.kind !== "delivered" && outcome.kind !== "withheld";
      end(span, summaryOf(asked, outcome), isFailed ? outcome.code : undefined);
      return outcome;
    } catch (error) {
      end(span, { "understudy.provider": asked.provider }, "internal_error");
      throw error;
    }
  }

  /** Redis has agreed to what the run came to. */
  settled(verdict: Verdict): void {
    const isDead = verdict.kind === "dead_letter";
    const more: Attributes = isDead
      ? { "understudy.cause": verdict.cause, "understudy.effect": verdict.effect }
      : {};
    this.#end({ "understudy.verdict": verdict.kind, ...more }, isDead ? verdict.cause : undefined);
  }

  /** While Redis is away BullMQ tries again, but for no longer than the run is ours. */
  #refused(isFinal: boolean): void {
    if (isFinal) this.#end({}, "unsettled");
    else this.#lost ??= setTimeout(() => this.#end({}, "unsettled"), LOST_MS).unref();
  }

  /** Once, whatever comes of it later. */
  #end(attributes: Attributes, problem: string | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#lost);
    end(this.#span, attributes, problem);
  }
}

interface Asked {
  readonly provider: string;
  readonly capability: string;
  readonly isLookUp?: boolean;
}

/** Of a lock that is not renewed, by default: then the job is another worker's. */
const LOST_MS = 60_000;

const SCOPE = "@understudy/runtime";

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

function summaryOf({ provider, capability, isLookUp }: Asked, outcome: Outcome): Attributes {
  const summary: Attributes = {
    "understudy.provider": provider,
    "understudy.capability": capability,
    "understudy.outcome": outcome.kind,
  };
  if (outcome.kind !== "delivered") summary["understudy.code"] = outcome.code;
  if (outcome.requestId !== undefined) summary["understudy.request_id"] = outcome.requestId;
  if (isLookUp === true) summary["understudy.look_up"] = true;
  return summary;
}

/** Undefined inside of what is not to be traced. */
function traceparentOf(span: Span): string | undefined {
  const own = watch(() => span.spanContext());
  return own === undefined || own.traceId === INVALID_TRACEID ? undefined : formatTraceparent(own);
}

// Span processors are somebody else's, and run in here: what they throw must not become the fate of a charge.

function watch<T>(tell: () => T): T | undefined {
  try {
    return tell();
  } catch {
    return undefined;
  }
}

function start(tracer: Tracer, name: string, options: SpanOptions, parent: Context): Span {
  return watch(() => tracer.startSpan(name, options, parent)) ?? trace.wrapSpanContext(INVALID_SPAN_CONTEXT);
}

/** @param problem a code, where the span is one of an error */
function end(span: Span, attributes: Attributes, problem: string | undefined): void {
  watch(() => {
    span.setAttributes(attributes);
    if (problem !== undefined)
      span.setStatus({ code: SpanStatusCode.ERROR }).setAttribute("error.type", problem);
    span.end();
  });
}
