import { context, type HrTime, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  type Sampler,
  SimpleSpanProcessor,
  type SpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { until } from "@understudy/testkit";
import { onTestFinished } from "vitest";

export interface Spans {
  all(): readonly ReadableSpan[];
  /** Those of one name, the oldest first, once there are so many. */
  named(name: string, count?: number): Promise<readonly ReadableSpan[]>;
}

/** An SDK as an application registers it, for one test. */
export function registerSdk(
  more: { readonly sampler?: Sampler; readonly spanProcessors?: readonly SpanProcessor[] } = {},
): Spans {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({
    ...more,
    spanProcessors: [new SimpleSpanProcessor(exporter), ...(more.spanProcessors ?? [])],
  });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  trace.setGlobalTracerProvider(provider);
  onTestFinished(async () => {
    trace.disable();
    context.disable();
    await provider.shutdown();
  });
  const all = (): readonly ReadableSpan[] =>
    exporter.getFinishedSpans().toSorted((a, b) => nanos(a.startTime) - nanos(b.startTime));
  return {
    all,
    named: (name, count = 1) =>
      until(`${count} spans ${name} have ended`, () => {
        const found = all().filter((span) => span.name === name);
        return found.length >= count && found;
      }),
  };
}

const nanos = ([seconds, rest]: HrTime): number => seconds * 1e9 + rest;

/** All that a span tells anybody, as text. */
export function everythingIn({ name, attributes, events, links, status }: ReadableSpan): string {
  return JSON.stringify({ name, attributes, events, links, status });
}
