import type { Admission } from "@understudy/core";
import { createVirtualClock } from "@understudy/testkit";
import * as fc from "fast-check";
import { expect, test } from "vitest";

import { createBulkhead } from "./bulkhead.ts";
import { createRateLimiter } from "./rate-limiter.ts";

const throttled = {
  kind: "throttled",
  code: "http_429",
  retryAfterMs: 3000,
  provider: "a",
  at: 0,
  durationMs: 1,
} as const;

test("lets a burst through and then keeps the pace", () => {
  const clock = createVirtualClock();
  const gate = createRateLimiter({ now: clock.now, limit: { perSecond: 10, burst: 2 } });
  expect([gate.admit(), gate.admit(), gate.admit()].map((answer) => (answer as Admission).ok)).toEqual([
    true,
    true,
    false,
  ]);
  expect(gate.admit()).toEqual({ ok: false, code: "rate_limited", retryAfterMs: 100 });
  clock.advance(100);
  expect(gate.admit()).toMatchObject({ ok: true });
});

test("its room is what it would admit now", () => {
  const clock = createVirtualClock();
  const gate = createRateLimiter({ now: clock.now, limit: { perSecond: 10, burst: 3 } });
  for (let left = 3; left > 0; left -= 1) {
    expect(gate.capacity().room).toBe(left);
    void gate.admit();
  }
  expect(gate.capacity()).toEqual({ room: 0, opensAt: clock.now() + 100 });
  clock.advance(250);
  expect(gate.capacity().room).toBe(2);
});

test("a permit that was not used comes back", () => {
  const clock = createVirtualClock();
  const gate = createRateLimiter({ now: clock.now, limit: { perSecond: 1, burst: 1 } });
  (gate.admit() as Admission).settle();
  expect(gate.admit()).toMatchObject({ ok: true });
});

test("a provider that says later is left alone until then, even without a limit of ours", () => {
  const clock = createVirtualClock();
  const gate = createRateLimiter({ now: clock.now, limit: { perSecond: Infinity } });
  (gate.admit() as Admission).settle(throttled);
  expect(gate.admit()).toMatchObject({ ok: false, retryAfterMs: 3000 });
  expect(gate.capacity()).toEqual({ room: 0, opensAt: clock.now() + 3000 });
  clock.advance(3000);
  expect(gate.admit()).toMatchObject({ ok: true });
});

test("never admits more than the burst and the pace allow, over any span", () => {
  const limit = fc.record({
    perSecond: fc.integer({ min: 1, max: 500 }),
    burst: fc.integer({ min: 1, max: 20 }),
  });
  fc.assert(
    fc.property(
      limit,
      fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 1, maxLength: 300 }),
      ({ perSecond, burst }, waits) => {
        const clock = createVirtualClock();
        const gate = createRateLimiter({ now: clock.now, limit: { perSecond, burst } });
        let admitted = 0;
        let elapsedMs = 0;
        for (const wait of waits) {
          clock.advance(wait);
          elapsedMs += wait;
          if ((gate.admit() as Admission).ok) admitted += 1;
        }
        expect(admitted).toBeLessThanOrEqual(burst + (elapsedMs * perSecond) / 1000 + 1e-6);
      },
    ),
  );
});

test("a bulkhead holds at most its share, and frees a place when a call ends or is not made", () => {
  const clock = createVirtualClock();
  const gate = createBulkhead({ now: clock.now, maxConcurrent: 2 });
  const [first, second] = [gate.admit() as Admission, gate.admit() as Admission];
  expect(gate.admit()).toMatchObject({ ok: false, code: "bulkhead_full" });
  expect(gate.capacity()).toMatchObject({ room: 0 });
  first.settle();
  expect(gate.admit()).toMatchObject({ ok: true });
  second.settle({ kind: "delivered", receipt: {}, final: true, provider: "a", at: 0, durationMs: 1 });
  expect(gate.admit()).toMatchObject({ ok: true });
});
