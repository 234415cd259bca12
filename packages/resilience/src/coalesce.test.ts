import { type Adapter, type Call, defineCapability, type ItemOutcome } from "@understudy/core";
import { describe, expect, test, vi } from "vitest";
import * as z from "zod";

import { type BatchOf, coalesced } from "./coalesce.ts";

const note = defineCapability({
  name: "note.send",
  request: z.object({ n: z.number(), text: z.string().optional() }),
  receipt: z.object({ id: z.number() }),
  duplicates: "tolerated",
});
type Note = typeof note;

const delivered = (id: number): ItemOutcome<{ id: number }> => ({
  kind: "delivered",
  receipt: { id },
  final: true,
});

function call(jobId: string, signal: AbortSignal = new AbortController().signal): Call {
  return { jobId, idempotencyKey: jobId, signal };
}

interface Asked {
  readonly ids: readonly string[];
  readonly signal: AbortSignal;
  /** Answers the batch. */
  readonly answer: (items?: readonly ItemOutcome<{ id: number }>[]) => void;
  readonly fail: () => void;
}

function stage(limits: { readonly maxItems?: number; readonly maxBytes?: number } = {}): {
  readonly send: Adapter<Note>;
  readonly asked: Asked[];
} {
  const asked: Asked[] = [];
  const about = { provider: "a", at: 1, durationMs: 2, requestId: "r-1" };
  const ask: Adapter<BatchOf<Note>> = (items, { signal }) =>
    new Promise((resolve) => {
      asked.push({
        ids: items.map(({ jobId }) => jobId),
        signal,
        answer: (receipt = items.map(({ request }) => delivered(request.n))) =>
          resolve({ kind: "delivered", receipt, final: true, ...about }),
        fail: () => resolve({ kind: "unavailable", code: "http_503", ...about }),
      });
    });
  const send = coalesced<Note>({
    provider: "a",
    maxItems: 100,
    maxBytes: 1_000_000,
    lingerMs: 20,
    weigh: () => 1,
    now: () => 1,
    ask,
    ...limits,
  });
  return { send, asked };
}

describe("concurrent calls become one", () => {
  test("and each ends by its own outcome", async () => {
    const { send, asked } = stage();
    const outcomes = Promise.all([1, 2, 3].map((n) => send({ n }, call(`job-${n}`))));
    await vi.waitFor(() => expect(asked).toHaveLength(1));
    expect(asked[0]?.ids).toEqual(["job-1", "job-2", "job-3"]);
    asked[0]?.answer([delivered(1), { kind: "rejected", code: "bad" }, delivered(3)]);
    expect(await outcomes).toMatchObject([
      { kind: "delivered", receipt: { id: 1 }, provider: "a", requestId: "r-1", durationMs: 2 },
      { kind: "rejected", code: "bad", provider: "a" },
      { kind: "delivered", receipt: { id: 3 } },
    ]);
  });

  test("a failure of the whole is that of each", async () => {
    const { send, asked } = stage();
    const outcomes = Promise.all([1, 2].map((n) => send({ n }, call(`job-${n}`))));
    await vi.waitFor(() => expect(asked).toHaveLength(1));
    asked[0]?.fail();
    expect(await outcomes).toMatchObject([{ code: "http_503" }, { code: "http_503" }]);
  });

  test("an answer for another number of items is understood by nobody", async () => {
    const { send, asked } = stage();
    const outcomes = Promise.all([1, 2].map((n) => send({ n }, call(`job-${n}`))));
    await vi.waitFor(() => expect(asked).toHaveLength(1));
    asked[0]?.answer([delivered(1)]);
    expect(await outcomes).toMatchObject([
      { kind: "ambiguous", code: "malformed_answer" },
      { kind: "ambiguous", code: "malformed_answer" },
    ]);
  });
});

describe("a batch leaves", () => {
  test("at once when it is full by number", () => {
    const { send, asked } = stage({ maxItems: 2 });
    for (const n of [1, 2, 3]) void send({ n }, call(`job-${n}`));
    expect(asked.map(({ ids }) => ids)).toEqual([["job-1", "job-2"]]);
  });

  test("before it would be too large", () => {
    const { send, asked } = stage({ maxBytes: 60 });
    for (const n of [1, 2]) void send({ n, text: "x".repeat(30) }, call(`job-${n}`));
    expect(asked.map(({ ids }) => ids)).toEqual([["job-1"]]);
  });
});

describe("one that is aborted", () => {
  test("before the batch leaves is not in it, and was not asked for", async () => {
    const { send, asked } = stage();
    const control = new AbortController();
    const left = send({ n: 1 }, call("job-1", control.signal));
    const stays = send({ n: 2 }, call("job-2"));
    control.abort("stop");
    expect(await left).toMatchObject({ kind: "withheld", code: "interrupted" });
    await vi.waitFor(() => expect(asked).toHaveLength(1));
    expect(asked[0]?.ids).toEqual(["job-2"]);
    asked[0]?.answer();
    expect(await stays).toMatchObject({ kind: "delivered" });
  });

  test("after it left is of unknown fate; the batch goes on for the others", async () => {
    const { send, asked } = stage({ maxItems: 2 });
    const control = new AbortController();
    const left = send({ n: 1 }, call("job-1", control.signal));
    const stays = send({ n: 2 }, call("job-2"));
    control.abort("stop");
    expect(await left).toMatchObject({ kind: "ambiguous", code: "interrupted" });
    expect(asked[0]?.signal.aborted).toBe(false);
    asked[0]?.answer();
    expect(await stays).toMatchObject({ kind: "delivered", receipt: { id: 2 } });
  });

  test("as the last one takes the batch along", async () => {
    const { send, asked } = stage({ maxItems: 2 });
    const controls = [new AbortController(), new AbortController()];
    const outcomes = controls.map(({ signal }, n) => send({ n }, call(`job-${n}`, signal)));
    controls[0]?.abort("stop");
    expect(asked[0]?.signal.aborted).toBe(false);
    controls[1]?.abort("stop");
    expect(asked[0]?.signal.aborted).toBe(true);
    await Promise.all(outcomes);
  });

  test("before it came asks nobody", async () => {
    const { send } = stage();
    expect(await send({ n: 1 }, call("job-1", AbortSignal.abort()))).toMatchObject({ kind: "withheld" });
  });
});
