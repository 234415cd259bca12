import { SpanStatusCode } from "@opentelemetry/api";
import type { Fetched, Settlement } from "@understudy/queue";
import { expect, onTestFinished, test, vi } from "vitest";

import { registerSdk, type Spans } from "./testing/spans.ts";
import { type RunSpan, startRunSpan } from "./tracing.ts";

const fetched = { id: "note-1", name: "note", data: { v: 1 }, starts: 1 } as Fetched;
const settlement: Settlement = {
  log: [],
  move: { to: "completed", returnValue: null },
  afterwards: () => undefined,
};

/** A run that is over, and not settled yet. */
async function ran(): Promise<{
  readonly spans: Spans;
  readonly span: RunSpan;
  readonly settling: Settlement;
}> {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const spans = registerSdk();
  const span = startRunSpan(fetched, "notes");
  if (span === undefined) throw new Error("an SDK is registered");
  return { spans, span, settling: await span.round(() => Promise.resolve({ ...settlement })) };
}

test("a run that is settled once Redis is back has its verdict, and is no error", async () => {
  const { spans, span, settling } = await ran();
  settling.refused?.(false);
  vi.advanceTimersByTime(59_000);
  expect(spans.all()).toEqual([]);
  settling.refused?.(false);
  span.settled({ kind: "complete", receipt: null });
  vi.advanceTimersByTime(60_000);
  expect(spans.all()).toMatchObject([
    { status: { code: SpanStatusCode.UNSET }, attributes: { "understudy.verdict": "complete" } },
  ]);
});

test("where Redis does not come back the span ends when the lock has, and only once", async () => {
  const { spans, span, settling } = await ran();
  settling.refused?.(false);
  vi.advanceTimersByTime(60_000);
  span.settled({ kind: "complete", receipt: null });
  settling.refused?.(true);
  expect(spans.all()).toMatchObject([
    { status: { code: SpanStatusCode.ERROR }, attributes: { "error.type": "unsettled" } },
  ]);
});

test("a run that throws ends its span without a word of the error", async () => {
  const spans = registerSdk();
  const span = startRunSpan(fetched, "notes");
  const bug = (): Promise<Settlement> => Promise.reject(new Error("ada@example.com is undefined"));
  await expect(span?.round(bug)).rejects.toThrow("is undefined");
  expect(spans.all()).toMatchObject([{ attributes: { "error.type": "internal_error" }, events: [] }]);
  expect(JSON.stringify(spans.all()[0]?.attributes)).not.toContain("ada");
});

test("without an SDK there is no span", () => {
  expect(startRunSpan(fetched, "notes")).toBeUndefined();
});
