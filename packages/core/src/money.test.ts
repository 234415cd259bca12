import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import { amountMinor, currency, decimalAmount, minorAmount, minorDigits } from "./money.ts";

test.each([
  ["EUR", 1050, "10.50"],
  ["EUR", 5, "0.05"],
  ["JPY", 1050, "1050"],
  ["KWD", 1050, "1.050"],
  ["HUF", 100, "1.00"],
])("minor units of %s: %i is %s", (code, minor, decimal) => {
  expect(decimalAmount(minor, code)).toBe(decimal);
  expect(minorAmount(decimal, code)).toBe(minor);
});

test("every amount survives the way to decimals and back", () => {
  fc.assert(
    fc.property(
      fc.constantFrom("EUR", "JPY", "KWD"),
      fc.integer({ min: 1, max: 10 ** 12 }),
      (code, minor) => {
        expect(minorAmount(decimalAmount(minor, code), code)).toBe(minor);
      },
    ),
  );
});

describe("decimals that are no amount of the currency", () => {
  test.each([
    ["10.505", "EUR"],
    ["1.5", "JPY"],
    ["-1.00", "EUR"],
    ["1e3", "EUR"],
    ["", "EUR"],
  ])("%j %s", (decimal, code) => {
    expect(minorAmount(decimal, code)).toBeUndefined();
  });
  test("noughts behind the last place are no harm", () => {
    expect(minorAmount("1050.00", "JPY")).toBe(1050);
  });
});

test.each(["eur", "EURO", "", "DEM", "XXX"])("%j is no currency", (code) => {
  expect(currency.safeParse(code).success).toBe(false);
  expect(() => minorDigits(code)).toThrow(RangeError);
});

test.each([0, -1, 10.5, Number.NaN, 10 ** 13])("%d is no amount", (amount) => {
  expect(amountMinor.safeParse(amount).success).toBe(false);
});
