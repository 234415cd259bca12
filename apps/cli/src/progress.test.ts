import { expect, test } from "vitest";

import { progressLine, rateOf } from "./progress.ts";

const run = { seen: 520, done: 517, total: 1000, perSecond: 10 };

test("the line says how far, how fast, how long yet, and what was left alone", () => {
  expect(progressLine(run, 9.94, 79)).toBe(
    "[################..............] 52% 520/1,000  9.9/s  48 s left  3 left alone",
  );
});

test("it fits: the bar gives way first, the words last", () => {
  for (const width of [20, 40, 50, 60, 79])
    expect(progressLine(run, 9.94, width).length).toBeLessThanOrEqual(width);
  expect(progressLine(run, 9.94, 40)).not.toContain("[");
});

test("before a rate is known the time left goes by the wanted one; at the end there is none", () => {
  expect(progressLine({ ...run, seen: 0, done: 0 }, undefined, 79)).toContain("0/1,000  1 min 40 s left");
  expect(progressLine({ ...run, seen: 1000, done: 1000 }, 10, 79)).toMatch(/100% 1,000\/1,000 {2}10\.0\/s$/u);
});

test("the rate is that of the time looked at", () => {
  expect(rateOf([{ at: 0, seen: 0 }])).toBeUndefined();
  expect(
    rateOf([
      { at: 0, seen: 10 },
      { at: 2000, seen: 50 },
    ]),
  ).toBe(20);
});
