import { createVirtualClock } from "@understudy/testkit";
import * as fc from "fast-check";
import { expect, test } from "vitest";

import { createLedger } from "./ledger.ts";
import { burstOf, measureOf, partOf } from "./limit.ts";

const limit = fc.record({
  calls: fc.integer({ min: 1, max: 500 }),
  perMs: fc.integer({ min: 100, max: 60_000 }),
});
const steps = fc.array(
  fc.record({
    waitMs: fc.integer({ min: 0, max: 80 }),
    want: fc.integer({ min: 1, max: 9 }),
    isUnused: fc.boolean(),
  }),
  { minLength: 1, maxLength: 200 },
);

test("an even measure never lets more through than the burst and the pace allow, whatever is given back", () => {
  fc.assert(
    fc.property(limit, steps, ({ calls, perMs }, some) => {
      const clock = createVirtualClock();
      const measure = measureOf({ calls, perMs });
      const ledger = createLedger([measure], clock.now);
      const start = clock.now();
      let used = 0;
      for (const { waitMs, want, isUnused } of some) {
        clock.advance(waitMs);
        const granted = ledger.take(want, 1);
        if (isUnused) ledger.giveBack(granted, clock.now());
        else used += granted;
        const atOnce = 1 + (measure.kind === "even" ? measure.toleranceMs / measure.intervalMs : 0);
        expect(used).toBeLessThanOrEqual(atOnce + ((clock.now() - start) * calls) / perMs + 1e-3);
      }
    }),
  );
});

test("no rolling window of a counted measure holds more than its limit, and in time all of it is used", () => {
  const day = 86_400_000;
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 50 }),
      fc.array(fc.integer({ min: 0, max: 6 * 3_600_000 }), { minLength: 1, maxLength: 150 }),
      (calls, waits) => {
        const clock = createVirtualClock();
        const ledger = createLedger([measureOf({ calls, perMs: day })], clock.now);
        const times: number[] = [];
        for (const waitMs of waits) {
          clock.advance(waitMs);
          for (let granted = ledger.take(7, 1); granted > 0; granted -= 1) times.push(clock.now());
          expect(times.filter((at) => at > clock.now() - day).length).toBeLessThanOrEqual(calls);
        }
        expect(times.length).toBeGreaterThanOrEqual(Math.min(calls, 7));
      },
    ),
  );
});

test("a counted window opens when its oldest bucket has fallen out of it", () => {
  const clock = createVirtualClock(0);
  const hour = 3_600_000;
  const ledger = createLedger([measureOf({ calls: 10, perMs: 24 * hour })], clock.now);
  expect([ledger.take(10, 1), ledger.take(1, 1), ledger.left()]).toEqual([10, 0, 0]);
  clock.advance(24 * hour);
  expect(ledger.take(1, 1)).toBe(0);
  clock.advance(ledger.opensInMs(1));
  expect(ledger.take(10, 1)).toBe(10);
});

test("what costs more than the burst goes alone, and is paid for afterwards", () => {
  const clock = createVirtualClock();
  const ledger = createLedger([measureOf({ calls: 14, perMs: 1000 })], clock.now);
  expect([ledger.take(50, 50), ledger.take(1, 1)]).toEqual([50, 0]);
  expect(ledger.opensInMs(1)).toBeGreaterThan(3000);
  clock.advance(ledger.opensInMs(50) + 1);
  expect(ledger.take(50, 50)).toBe(50);
});

test("the parts of all keep together to the whole", () => {
  fc.assert(
    fc.property(limit, fc.integer({ min: 1, max: 50 }), ({ calls, perMs }, users) => {
      const clock = createVirtualClock();
      const part = createLedger([partOf(measureOf({ calls, perMs }), users)], clock.now);
      let used = 0;
      for (let step = 0; step < 100; step += 1) {
        used += part.take(1000, 1);
        clock.advance(100);
      }
      expect(used).toBeLessThanOrEqual(
        burstOf(measureOf({ calls, perMs })) + 1 + (10_000 * calls) / perMs / users,
      );
    }),
  );
});
