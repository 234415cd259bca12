import { type Adapter, type Call, type Gate, type Outcome, unlimited } from "@understudy/core";
import { describe, expect, test } from "vitest";

import { withGates } from "./gated.ts";
import { withTimeout } from "./timeout.ts";

const now = (): number => 0;
const delivered: Outcome = {
  kind: "delivered",
  receipt: {},
  final: true,
  provider: "a",
  at: 0,
  durationMs: 0,
};

function call(signal: AbortSignal = new AbortController().signal): Call {
  return { jobId: "j", idempotencyKey: "k", signal };
}

function gate(name: string, told: string[], isOpen = true): Gate {
  return {
    capacity: () => unlimited,
    admit: () =>
      isOpen
        ? { ok: true, settle: (outcome) => void told.push(`${name} ${outcome?.kind ?? "unused"}`) }
        : { ok: false, code: `${name}_closed`, retryAfterMs: 7 },
  };
}

describe("gates", () => {
  test("each learns of the call that was made", async () => {
    const told: string[] = [];
    const adapter = withGates("a", [gate("one", told), gate("two", told)], now, async () => delivered);
    expect(await adapter({}, call())).toBe(delivered);
    expect(told).toEqual(["one delivered", "two delivered"]);
  });

  test("a closed one withholds the call, and those before it get their admission back unused", async () => {
    const told: string[] = [];
    let calls = 0;
    const adapter = withGates(
      "a",
      [gate("one", told), gate("two", told, false), gate("three", told)],
      now,
      async () => {
        calls += 1;
        return delivered;
      },
    );
    expect(await adapter({}, call())).toMatchObject({
      kind: "withheld",
      code: "two_closed",
      retryAfterMs: 7,
      provider: "a",
    });
    expect([calls, told]).toEqual([0, ["one unused"]]);
  });
});

describe("a deadline", () => {
  const untilAborted: Adapter = async (_, { signal }) => {
    await new Promise<void>((resolve) => {
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
    return {
      kind: "ambiguous",
      code: (signal.reason as Error).name,
      provider: "a",
      at: 0,
      durationMs: 0,
    };
  };

  test("tells the adapter to stop, and takes its word for what happened", async () => {
    expect(await withTimeout("a", 10, now, untilAborted)({}, call())).toMatchObject({ code: "TimeoutError" });
  });
  test("does not wait for an adapter that does not listen: its call is of unknown fate", async () => {
    const deaf: Adapter = () => new Promise(() => undefined);
    expect(await withTimeout("a", 10, now, deaf)({}, call())).toMatchObject({
      kind: "ambiguous",
      code: "timeout",
    });
  });
  test("passes on that the job itself must stop", async () => {
    const deaf: Adapter = () => new Promise(() => undefined);
    const stop = new AbortController();
    stop.abort("shutting_down");
    expect(await withTimeout("a", 60_000, now, deaf)({}, call(stop.signal))).toMatchObject({
      code: "interrupted",
    });
  });
  test("leaves an answer in time as it is", async () => {
    expect(await withTimeout("a", 1000, now, async () => delivered)({}, call())).toBe(delivered);
  });
});
