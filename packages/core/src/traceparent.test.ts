import { expect, test } from "vitest";

import { openEnvelope } from "./envelope.ts";
import { formatTraceparent, parseTraceparent } from "./traceparent.ts";

const traceId = "0af7651916cd43dd8448eb211c80319c";
const spanId = "b7ad6b7169203331";

test.each([0, 1, 3, 255])("a traceparent with the flags %i comes back as it was", (traceFlags) => {
  const context = { traceId, spanId, traceFlags };
  expect(formatTraceparent(context)).toHaveLength(55);
  expect(parseTraceparent(formatTraceparent(context))).toEqual(context);
});

const broken: readonly unknown[] = [
  "",
  "x".repeat(100_000),
  7,
  null,
  {},
  `01-${traceId}-${spanId}-01`,
  `00-${traceId}-${spanId}-01-more`,
  `00-${traceId}-${spanId}-01\n`,
  `00-${traceId.toUpperCase()}-${spanId}-01`,
  `00-${"0".repeat(32)}-${spanId}-01`,
  `00-${traceId}-${"0".repeat(16)}-01`,
];

test.each(broken)("%j is none, and an envelope is read without it", (traceparent) => {
  expect(parseTraceparent(traceparent)).toBeUndefined();
  const opened = openEnvelope({ v: 1, payload: {}, enqueuedAt: 1, traceparent });
  if (opened.at !== "open") throw new Error("a broken traceparent broke its envelope");
  expect(opened.envelope.traceparent).toBeUndefined();
});

test("an envelope without one has no such field when it is read", () => {
  const opened = openEnvelope({ v: 1, payload: {}, enqueuedAt: 1 });
  expect(opened.at === "open" && "traceparent" in opened.envelope).toBe(false);
});
