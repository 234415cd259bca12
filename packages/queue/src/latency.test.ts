import { expect, test } from "vitest";

import { bucketOf, quantileOf } from "./latency.ts";

// Over all magnitudes, and so close together that every bucket's ends are met.
const durations = Array.from({ length: 3000 }, (_, i) => 1.0044 ** i);

test("a quantile is at most a tenth off the one of the durations themselves", () => {
  for (const size of [1, 2, 7, 100, durations.length]) {
    for (let from = 0; from + size <= durations.length; from += Math.max(1, size / 2)) {
      const given = durations.slice(from, from + size);
      const counts = new Map<number, number>();
      for (const ms of given) counts.set(bucketOf(ms), (counts.get(bucketOf(ms)) ?? 0) + 1);
      for (const part of [0.5, 0.95, 0.99]) {
        const exact = given[Math.ceil(given.length * part) - 1] ?? 0;
        const told = quantileOf(counts, part) ?? 0;
        if (Math.abs(told - exact) / exact > 0.1) expect([exact, part]).toEqual([told, part]);
      }
    }
  }
  expect(durations.at(-1)).toBeGreaterThan(500_000);
});

test("whatever a clock may say has a bucket, and nothing has no quantile", () => {
  expect([-5, 0, 0.3, 1].map(bucketOf)).toEqual([0, 0, 0, 0]);
  expect(bucketOf(Infinity)).toBe(bucketOf(600_000));
  expect(quantileOf(new Map(), 0.5)).toBeUndefined();
  expect(quantileOf(new Map([[0, 3]]), 0.99)).toBe(1);
});
