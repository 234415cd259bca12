import { type Outcome, trackRequest } from "@understudy/core";
import { expect, test } from "vitest";

import { alone } from "./alone.ts";
import { implementBatch, type TrackOutcome } from "./batch.ts";

const request = trackRequest.parse({
  userId: "ada-of-somewhere",
  events: [{ id: "e-1", name: "Order placed", at: "2026-11-24T05:00:00Z" }],
});
const item = { request, jobId: "job-1", idempotencyKey: "k" };
const signal = new AbortController().signal;

const ask = (...receipt: readonly TrackOutcome[]) =>
  implementBatch("a-sink", ["hunter2"], () =>
    Promise.resolve({ kind: "delivered", final: true, requestId: "r-1", receipt }),
  );

test("what a vendor says of one job of a batch holds neither secrets nor what the job said", async () => {
  const outcome = await ask({
    kind: "rejected",
    code: "http_400",
    detail: "hunter2 may not say ada-of-somewhere",
  })([item], { signal });
  expect(outcome).toMatchObject({ receipt: [{ detail: "<secret> may not say <payload>" }] });
});

test("alone, a job gets what was said of it, and when", async () => {
  const own = { kind: "rejected", code: "http_400" } as const;
  const outcome: Outcome = await alone(ask(own))(request, { ...item, signal });
  expect(outcome).toEqual({
    ...own,
    provider: "a-sink",
    requestId: "r-1",
    at: expect.any(Number),
    durationMs: expect.any(Number),
  });
});

test("a vendor that says nothing of a job has not been understood", async () => {
  expect(await alone(ask())(request, { ...item, signal })).toMatchObject({
    kind: "ambiguous",
    code: "malformed_answer",
  });
});

test("a throw is an outcome of all", async () => {
  const batch = implementBatch("a-sink", [], () => Promise.reject(new Error("no")));
  expect(await batch([item, item], { signal })).toMatchObject({ kind: "ambiguous", code: "adapter_threw" });
});
