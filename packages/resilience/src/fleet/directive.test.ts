import { describe, expect, test } from "vitest";

import { type Directive, directiveFor } from "./directive.ts";

const NOW = 1000;
const all = (verb: Directive["verb"], more: Partial<Directive> = {}): Directive => ({
  verb,
  provider: "sendgrid",
  reason: "r",
  by: "ada",
  since: 1,
  ...more,
});
const one = (verb: Directive["verb"], more: Partial<Directive> = {}): Directive =>
  all(verb, { capability: "email.send", ...more });
const holding = (...words: readonly Directive[]): Directive | undefined =>
  directiveFor(words, "sendgrid", "email.send", NOW);

describe("of two words", () => {
  test("the one about the capability alone holds, whichever was given first", () => {
    const words = [all("divert"), one("prefer")];
    expect(holding(...words)).toBe(words[1]);
    expect(holding(...words.toReversed())).toBe(words[1]);
  });

  test.each(["divert", "prefer"] as const)(
    "an isolation holds against %s, whichever of them is the narrower",
    (verb) => {
      const wide = [one(verb), all("isolate")];
      expect(holding(...wide)).toBe(wide[1]);
      const narrow = [one("isolate"), all(verb)];
      expect(holding(...narrow)).toBe(narrow[0]);
    },
  );

  test("that isolate the narrower is told", () => {
    const words = [all("isolate"), one("isolate", { reason: "it alone" })];
    expect(holding(...words)?.reason).toBe("it alone");
  });

  test("one whose time is over, or about something else, counts for nothing", () => {
    const words = [all("isolate", { until: NOW }), one("divert")];
    expect(holding(...words)).toBe(words[1]);
    const elsewhere = [one("isolate", { capability: "email.validate" }), all("prefer")];
    expect(holding(...elsewhere)).toBe(elsewhere[1]);
    expect(holding(all("isolate", { provider: "mailgun" }))).toBeUndefined();
  });
});
