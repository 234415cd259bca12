import { execFileSync } from "node:child_process";

import { describe, expect, test } from "vitest";

import { bulkCommand, letterCommand, quoted } from "./cli.ts";

describe("a command to copy", () => {
  test("does the same as the page", () => {
    expect(letterCommand("redrive", "note-1", { provider: "mailgun" })).toBe(
      'understudy dead-letters redrive note-1 --reason "…" --to mailgun',
    );
    expect(bulkCommand("plan", { filter: { queue: ["email"], from: 0 } }, { perSecond: 5 })).toBe(
      "understudy dead-letters plan --queue email --since 1970-01-01T00:00:00.000Z --rate 5",
    );
    expect(bulkCommand("discard", { filter: {} })).toBe('understudy dead-letters discard --all --reason "…"');
    expect(bulkCommand("ls", { filter: {} })).toBe("understudy dead-letters ls");
  });

  test.each([
    "$(touch x)",
    "`id`",
    "a'b",
    'a"b',
    "; rm -rf /",
    "-rf",
    "a b",
    "",
    "\\",
    "$HOME",
    "a\nb",
    "!!",
  ])("holds %j as one word that the shell does not run", (word) => {
    expect(execFileSync("/bin/sh", ["-c", `printf %s ${quoted(word)}`]).toString()).toBe(word);
  });
});
