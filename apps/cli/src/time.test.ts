import { expect, test } from "vitest";

import { durationWords, parseDuration, parseMoment, shortAge, when } from "./time.ts";

const now = Date.parse("2026-11-24T08:00:00Z");

test.each([
  ["500ms", 500],
  ["90s", 90_000],
  ["5m", 300_000],
  ["1.5h", 5_400_000],
  [" 2 d ", 172_800_000],
])("%s is %i ms", (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

test.each(["", "5", "m", "-5m", "5 minutes", "1e3s", "5m3s"])("%j is no duration", (text) => {
  expect(parseDuration(text)).toBeUndefined();
});

test("a moment is how long ago, or a date", () => {
  expect(parseMoment("2h", now)).toBe(now - 7_200_000);
  expect(parseMoment("2026-11-24", now)).toBe(Date.parse("2026-11-24T00:00:00Z"));
  expect(parseMoment("2026-11-24 07:30Z", now)).toBe(now - 1_800_000);
  expect(parseMoment("yesterday", now)).toBeUndefined();
  expect(parseMoment("2026-13-45", now)).toBeUndefined();
});

test.each([
  [0, "0 ms"],
  [999, "999 ms"],
  [45_000, "45 s"],
  [90_000, "1 min 30 s"],
  [600_000, "10 min"],
  [7_500_000, "2 h 5 min"],
  [360_000_000, "4 d 4 h"],
])("%i ms are %s", (ms, words) => {
  expect(durationWords(ms)).toBe(words);
});

test("times are told from here and by the clock", () => {
  expect(when(now - 180_000, now)).toBe("2026-11-24 07:57:00Z (3 min ago)");
  expect(when(now + 5000, now)).toBe("2026-11-24 08:00:05Z (in 5 s)");
  expect(shortAge(now - 7_500_000, now)).toBe("2 h");
  expect(shortAge(now + 50, now)).toBe("0 s");
});
