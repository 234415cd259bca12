import { Command } from "commander";
import { describe, expect, test } from "vitest";

import { addSelectionFlags, type FilterFlags, filterOf, selectionOf } from "./filter-flags.ts";

function parse(...args: readonly string[]): FilterFlags {
  const command = addSelectionFlags(new Command())
    .exitOverride()
    .configureOutput({ writeErr: () => {} });
  return command.parse(args, { from: "user" }).opts();
}

test("lists are comma lists, flags that are repeated, or both", () => {
  const flags = parse("--queue", "email,payments", "--queue", "analytics", "--cause", "rejected, expired");
  expect(filterOf(flags)).toEqual({
    queue: ["email", "payments", "analytics"],
    cause: ["rejected", "expired"],
  });
});

test("times are counted from now, or dates", () => {
  const { from, to } = filterOf(parse("--since", "2h", "--until", "2099-01-01"));
  expect(Date.now() - (from ?? 0)).toBeCloseTo(7_200_000, -4);
  expect(to).toBe(Date.parse("2099-01-01"));
});

test.each([
  [["--cause", "bad"], /It must be of rejected, exhausted/u],
  [["--effect", "done"], /It must be of none, maybe/u],
  [["--since", "yesterday"], /how long ago/u],
  [["--queue", "a,,b"], /without an empty item/u],
])("%j is refused, and what is right is said", (args, words) => {
  expect(() => parse(...args)).toThrow(words);
});

test("a filter that can match nothing is refused", () => {
  expect(() => filterOf(parse("--since", "1h", "--until", "2h"))).toThrow(/later than --until/u);
  expect(() => filterOf(parse("--text", " "))).toThrow(/empty/u);
});

describe("what a bulk action acts on", () => {
  test("is ids, each once, or a filter, or all", () => {
    expect(selectionOf(["a", "b", "a"], {})).toEqual({ ids: ["a", "b"] });
    expect(selectionOf([], { queue: ["email"] })).toEqual({ filter: { queue: ["email"] } });
    expect(selectionOf([], { all: true })).toEqual({ filter: {} });
  });

  test("is never everything because nothing was said, and never two things at once", () => {
    expect(() => selectionOf([], {})).toThrow(/Which dead letters/u);
    expect(() => selectionOf(["a"], { queue: ["email"] })).toThrow(/one of them only/u);
    expect(() => selectionOf([], { queue: ["email"], all: true })).toThrow(/one of them only/u);
  });
});
