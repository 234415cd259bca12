import type { Admission, Outcome } from "@understudy/core";
import { createVirtualClock, type VirtualClock } from "@understudy/testkit";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import { type CircuitBreaker, createCircuitBreaker } from "./circuit-breaker.ts";
import type { CircuitState } from "./state.ts";

const meta = { provider: "a", at: 0, durationMs: 1 };
const delivered: Outcome = { kind: "delivered", receipt: {}, final: true, ...meta };
const unavailable: Outcome = { kind: "unavailable", code: "http_503", ...meta };

function breaker(): {
  readonly circuit: CircuitBreaker;
  readonly clock: VirtualClock;
  readonly changes: CircuitState["at"][];
} {
  const clock = createVirtualClock();
  const changes: CircuitState["at"][] = [];
  const circuit = createCircuitBreaker({
    now: clock.now,
    options: { windowMs: 1000, minCalls: 4, failureRate: 0.5, openMs: 100, maxOpenMs: 400, rampMs: 0 },
    onChange: ({ state }) => void changes.push(state.at),
  });
  return { circuit, clock, changes };
}

function admit(circuit: CircuitBreaker): Admission {
  const answer = circuit.admit() as Admission | { readonly ok: false };
  if (!answer.ok) throw new Error("refused");
  return answer;
}

function call(circuit: CircuitBreaker, ...outcomes: readonly Outcome[]): void {
  for (const outcome of outcomes) admit(circuit).settle(outcome);
}

describe("closed", () => {
  test("opens when enough calls failed, and refuses until it may try again", () => {
    const { circuit, clock } = breaker();
    call(circuit, delivered, delivered, unavailable, unavailable);
    expect(circuit.admit()).toEqual({ ok: false, code: "circuit_open", retryAfterMs: 100 });
    clock.advance(40);
    expect(circuit.admit()).toMatchObject({ retryAfterMs: 60 });
    expect(circuit.capacity().opensAt).toBe(clock.now() + 60);
  });
  test("stays closed while too few calls were made to prove anything", () => {
    const { circuit } = breaker();
    call(circuit, unavailable, unavailable, unavailable);
    expect(circuit.state()).toEqual({ at: "closed" });
  });
  test("forgets what is older than its window", () => {
    const { circuit, clock } = breaker();
    call(circuit, unavailable, unavailable, unavailable);
    clock.advance(1100);
    call(circuit, unavailable);
    expect(circuit.state()).toEqual({ at: "closed" });
  });
  test("opens at once when the credentials are refused", () => {
    const { circuit } = breaker();
    call(circuit, { kind: "unavailable", code: "unauthorized", ...meta });
    expect(circuit.state().at).toBe("open");
  });
  test.each([
    { kind: "rejected", code: "http_400" },
    { kind: "throttled", code: "http_429" },
    { kind: "ambiguous", code: "in_progress" },
    { kind: "unavailable", code: "interrupted" },
    { kind: "unavailable", code: "recipient_deferred" },
    { kind: "unavailable", code: "too_large" },
    { kind: "unavailable", code: "policy_refused" },
    { kind: "unavailable", code: "batch_refused" },
    { kind: "withheld", code: "rate_limited" },
  ] as const)("never opens for $kind $code: the provider is alive, or was not asked", (failure) => {
    const { circuit } = breaker();
    for (let n = 0; n < 50; n += 1) call(circuit, { ...failure, ...meta });
    expect(circuit.state()).toEqual({ at: "closed" });
  });
});

describe("half open", () => {
  test("lets one probe through at a time, and closes when it comes back", () => {
    const { circuit, clock, changes } = breaker();
    call(circuit, unavailable, unavailable, unavailable, unavailable);
    clock.advance(100);
    const probe = admit(circuit);
    expect(circuit.admit()).toMatchObject({ ok: false, code: "circuit_half_open" });
    expect(circuit.capacity()).toMatchObject({ room: 0 });
    probe.settle(delivered);
    expect(changes).toEqual(["open", "half_open", "closed"]);
  });
  test("opens for longer each time the probe fails, up to the cap", () => {
    const { circuit, clock } = breaker();
    call(circuit, unavailable, unavailable, unavailable, unavailable);
    const waits: number[] = [];
    for (let n = 0; n < 4; n += 1) {
      clock.advance(circuit.capacity().opensAt - clock.now());
      call(circuit, unavailable);
      waits.push(circuit.capacity().opensAt - clock.now());
    }
    expect(waits).toEqual([200, 400, 400, 400]);
  });
  test("a probe that was never sent gives its place back", () => {
    const { circuit, clock } = breaker();
    call(circuit, unavailable, unavailable, unavailable, unavailable);
    clock.advance(100);
    admit(circuit).settle();
    call(circuit, delivered);
    expect(circuit.state()).toEqual({ at: "closed" });
  });
  test("a straggler from before the opening does not judge it", () => {
    const { circuit, clock } = breaker();
    const straggler = admit(circuit);
    call(circuit, unavailable, unavailable, unavailable, unavailable);
    clock.advance(100);
    const probe = admit(circuit);
    straggler.settle(unavailable);
    probe.settle(delivered);
    expect(circuit.state()).toEqual({ at: "closed" });
  });
});

test("a worker without peers whose probe was not sent sends it with the next call, however late that comes", () => {
  const { circuit, clock } = breaker();
  call(circuit, unavailable, unavailable, unavailable, unavailable);
  clock.advance(100);
  admit(circuit).settle(undefined);
  clock.advance(1001);
  admit(circuit).settle(delivered);
  expect(circuit.state()).toEqual({ at: "closed" });
});

test("whatever happens, an open circuit is tried again, and at most one probe is out", () => {
  const step = fc.oneof(
    fc.constant("ok" as const),
    fc.constant("fail" as const),
    fc.constant("unsent" as const),
    fc.integer({ min: 1, max: 500 }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const { circuit, clock } = breaker();
      for (const one of steps) {
        if (typeof one === "number") clock.advance(one);
        else {
          const answer = circuit.admit() as Admission | { readonly ok: false };
          if (!answer.ok) continue;
          if (circuit.state().at === "half_open") expect(circuit.admit()).toMatchObject({ ok: false });
          answer.settle(one === "unsent" ? undefined : one === "ok" ? delivered : unavailable);
        }
      }
      clock.advance(400);
      expect(circuit.admit()).toMatchObject({ ok: true });
    }),
  );
});
