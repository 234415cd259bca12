/** Which span of which trace, as OpenTelemetry and W3C Trace Context have it. */
export interface TraceContext {
  /** 32 hexadecimal digits, lower case. */
  readonly traceId: string;
  /** 16 hexadecimal digits, lower case. */
  readonly spanId: string;
  /** One byte; its lowest bit: sampled. */
  readonly traceFlags: number;
}

/** A `traceparent` of version 00, https://www.w3.org/TR/trace-context/#traceparent-header: always 55 characters. */
export const traceparentShape: RegExp = /^00-(?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-[\da-f]{2}$/u;

export function formatTraceparent({ traceId, spanId, traceFlags }: TraceContext): string {
  return `00-${traceId}-${spanId}-${traceFlags === 1 ? "01" : traceFlags.toString(16).padStart(2, "0")}`;
}

/** @returns undefined for anything that is none: traces are for people, and no job suffers from a broken one */
export function parseTraceparent(text: unknown): TraceContext | undefined {
  if (typeof text !== "string" || !traceparentShape.test(text)) return undefined;
  return {
    traceId: text.slice(3, 35),
    spanId: text.slice(36, 52),
    traceFlags: Number.parseInt(text.slice(53), 16),
  };
}
