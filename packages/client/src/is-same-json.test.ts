import { expect, test } from "vitest";

import { isSameJson } from "./is-same-json.ts";

const circular: { self?: unknown } = {};
circular.self = circular;

test.each([
  [{ to: "ada", list: [1, null, true], deep: { n: 0 } }],
  ["text"],
  [[]],
  [Object.assign(Object.create(null) as object, { a: 1 })],
])("what JSON carries as it is: %j", (value) => {
  expect(isSameJson(value, structuredClone(value))).toBe(true);
});

test.each<readonly [string, unknown, unknown]>([
  ["another value", { a: 1 }, { a: 2 }],
  ["a field more", { a: 1 }, { a: 1, b: 2 }],
  ["a default that was filled in", {}, { from: "x" }],
  ["undefined", { a: undefined }, { a: undefined }],
  ["a date", new Date(0), new Date(0)],
  ["not a number", Number.NaN, Number.NaN],
  ["minus zero", -0, -0],
  ["a hole in a list", Object.assign([1], { length: 3 }), Object.assign([1], { length: 3 })],
  ["a list for a record", [], {}],
  ["a toJSON of its own", { toJSON: () => 1 }, { toJSON: () => 1 }],
  ["one that holds itself", circular, circular],
])("%s is not", (_, one, other) => {
  expect(isSameJson(one, other)).toBe(false);
});
