import * as fc from "fast-check";
import { expect, test } from "vitest";

import { backoff } from "./retry.ts";
import { anyPolicy } from "./testing/arbitraries.ts";

const policy = { attempts: 10, baseMs: 1000, maxMs: 300_000 };

test("at full draw the waits are 1 s, 2 s, 4 s …, up to the cap", () => {
  const waits = [1, 2, 3, 4, 9, 10, 1000].map((spent) => backoff(policy, spent, 1 - Number.EPSILON));
  expect(waits).toEqual([999, 1999, 3999, 7999, 255_999, 299_999, 299_999]);
});

test("every wait lies between nothing and the cap, and full jitter reaches nothing", () => {
  fc.assert(
    fc.property(
      anyPolicy,
      fc.nat(),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      ({ retry }, spent, random) => {
        const wait = backoff(retry, spent, random);
        expect(wait).toBeGreaterThanOrEqual(0);
        expect(wait).toBeLessThanOrEqual(retry.maxMs);
      },
    ),
  );
  expect(backoff(policy, 5, 0)).toBe(0);
});
