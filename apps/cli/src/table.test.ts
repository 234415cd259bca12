import { expect, test } from "vitest";

import { type Column, shortened, tableLines, widthOf, wrapped } from "./table.ts";

interface Row {
  readonly n: number;
  readonly words: string;
  readonly id: string;
}
const columns: readonly Column<Row>[] = [
  { title: "n", value: ({ n }) => String(n), align: "right" },
  { title: "words", value: ({ words }) => words, min: 6 },
  { title: "rare", value: () => "rare", from: 100 },
  { title: "id", value: ({ id }) => id },
];
const rows = [
  { n: 7, words: "a long sentence about it", id: "x".repeat(20) },
  { n: 1234, words: "short", id: "y" },
];

test("a table that nobody looks at is whole", () => {
  expect(tableLines(columns, rows)).toEqual([
    "   n  words                     rare  id",
    `   7  a long sentence about it  rare  ${"x".repeat(20)}`,
    "1234  short                     rare  y",
  ]);
});

test("on a terminal it fits: rare columns go, words are shortened, ids stay whole", () => {
  expect(tableLines(columns, rows, 40)).toEqual([
    "   n  words         id",
    `   7  a long sent…  ${"x".repeat(20)}`,
    "1234  short         y",
  ]);
});

test("where even that is too wide, ids are shortened too", () => {
  for (const line of tableLines(columns, rows, 24)) expect(widthOf(line)).toBeLessThanOrEqual(24);
});

test("letters count as the terminal shows them", () => {
  expect(widthOf("日本語")).toBe(6);
  expect(widthOf("e\u0301")).toBe(1);
  expect(shortened("日本語", 5)).toBe("日本…");
  expect(tableLines([{ title: "a", value: String }], ["日本", "x"], 80)).toEqual(["a", "日本", "x"]);
});

test("text is wrapped at blanks, and a word that is too long stays whole", () => {
  expect(wrapped("one two three", 7, "  ")).toEqual(["one two", "  three"]);
  expect(wrapped("abcdefghij k", 4)).toEqual(["abcdefghij", "k"]);
  expect(wrapped("one two", undefined)).toEqual(["one two"]);
});
