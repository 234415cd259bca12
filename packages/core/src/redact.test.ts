import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import { HIDDEN, redact, sensitiveTexts, without } from "./redact.ts";

const payload = {
  to: [{ email: "ada@example.com" }, { email: "grace@example.com" }],
  n: 4711,
  note: { text: "hi" },
};

test("what stands at the paths is hidden, through lists too, and nothing else", () => {
  expect(redact(payload, ["to.email", "n", "absent.path"])).toEqual({
    to: [{ email: HIDDEN }, { email: HIDDEN }],
    n: HIDDEN,
    note: { text: "hi" },
  });
  expect(redact("text", ["a"])).toBe("text");
  expect(payload.n).toBe(4711);
});

test("the texts at the paths are found, numbers among them", () => {
  expect(sensitiveTexts(payload, ["to", "n", "nothing"])).toEqual([
    "ada@example.com",
    "grace@example.com",
    "4711",
  ]);
});

describe("a text without secrets", () => {
  test.each([
    ["ADA@Example.com is unknown", ["ada@example.com"], `${HIDDEN} is unknown`],
    ["key 4111-secret (a+b)?", ["4111-secret", "(a+b)?"], `key ${HIDDEN} ${HIDDEN}`],
    ["order 4711 of 47110", ["4711"], `order ${HIDDEN} of ${HIDDEN}0`],
    // A short one would blot out half of any sentence: only as a word of its own.
    ["Ada is not in Adana", ["Ada"], `${HIDDEN} is not in Adana`],
    ["a b", ["a"], "a b"],
    ["ab and abcde", ["ab", "abcde"], `${HIDDEN} and ${HIDDEN}`],
  ])("%j without %j", (text, secrets, expected) => {
    expect(without(text, secrets)).toBe(expected);
  });

  test("holds none of them, whatever they are made of", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 4 }), fc.string(), fc.string(), (secret, before, after) => {
        fc.pre(!HIDDEN.includes(secret));
        expect(without(`${before}${secret}${after}`, [secret])).toContain(HIDDEN);
      }),
    );
  });
});
