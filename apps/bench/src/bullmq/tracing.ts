import { context, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { AlwaysOnSampler, BasicTracerProvider } from "@opentelemetry/sdk-trace-base";

/** Registers an OpenTelemetry SDK that samples everything and exports nothing. @returns what takes it away again */
export function startTracing(): () => void {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  trace.setGlobalTracerProvider(new BasicTracerProvider({ sampler: new AlwaysOnSampler() }));
  return () => {
    trace.disable();
    context.disable();
  };
}
