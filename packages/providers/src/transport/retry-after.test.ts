import * as fc from "fast-check";
import { expect, test } from "vitest";

import { retryAfterMs } from "./retry-after.ts";

const now = Date.UTC(2026, 10, 22, 12);
const day = 86_400_000;

test.each<[string, Record<string, string>, string, number | undefined]>([
  ["seconds", { "retry-after": "120" }, "", 120_000],
  ["a part of a second", { "retry-after": "0.5" }, "", 500],
  ["an HTTP date", { "retry-after": new Date(now + 30_000).toUTCString() }, "", 30_000],
  ["a date in the past", { "retry-after": new Date(now - 30_000).toUTCString() }, "", 0],
  ["epoch seconds", { "x-ratelimit-reset": String(now / 1000 + 60) }, "", 60_000],
  ["epoch milliseconds", { "x-ratelimit-reset": String(now + 60_000) }, "", 60_000],
  ["a small reset, which is seconds to wait", { "x-ratelimit-reset": "45" }, "", 45_000],
  ["Mailgun's words", {}, '{"message":"limit exceeded, try again after 120 seconds"}', 120_000],
  ["words in minutes", {}, "Please retry in 2 minutes.", 120_000],
  ["more than a day", { "retry-after": "9999999" }, "", day],
  ["garbage, then words", { "retry-after": "soon" }, "try again in 3 seconds", 3000],
  ["a negative number", { "retry-after": "-5" }, "", undefined],
  ["a date that is none", { "retry-after": "Mon, 99 Foo 2026 GMT" }, "", undefined],
  ["nothing", {}, "", undefined],
])("%s", (_, headers, body, expected) => {
  expect(retryAfterMs(headers, body, now)).toBe(expected);
});

test("whatever a vendor writes, the wait is a whole number within a day, or none", () => {
  const value = fc.oneof(fc.string(), fc.double().map(String), fc.date().map(String), fc.array(fc.string()));
  fc.assert(
    fc.property(value, value, fc.string(), fc.nat(), (retryAfter, reset, body, at) => {
      const ms = retryAfterMs({ "retry-after": retryAfter, "x-ratelimit-reset": reset }, body, at);
      expect(ms === undefined || (Number.isInteger(ms) && ms >= 0 && ms <= day)).toBe(true);
    }),
  );
});

test("any number of seconds up to a day is taken as it is", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 86_400 }), (seconds) => {
      expect(retryAfterMs({ "retry-after": ` ${seconds} ` }, "", now)).toBe(seconds * 1000);
      expect(retryAfterMs({ "x-ratelimit-reset": String(now / 1000 + seconds) }, "", now)).toBe(
        seconds * 1000,
      );
      expect(retryAfterMs({}, `Try again in ${seconds} seconds`, now)).toBe(seconds * 1000);
    }),
  );
});
