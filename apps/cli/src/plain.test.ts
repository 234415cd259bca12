import { expect, test } from "vitest";

import { plain, plainLines, toJson } from "./plain.ts";

test("what would make a terminal act is shown instead of sent", () => {
  expect(plain("\u001B[2Jgone\u0007 \u009B31m")).toBe(String.raw`\u001b[2Jgone\u0007 \u009b31m`);
  expect(plain("safe\u202Egnp.exe")).toBe(String.raw`safe\u202egnp.exe`);
});

test("what stands on several lines is put on one, or each line by itself", () => {
  expect(plain("a\r\nb\tc")).toBe("a b c");
  expect(plainLines("a\n\u001Bb")).toEqual(["a", String.raw`\u001bb`]);
});

test("JSON is the same value with nothing in it that a terminal obeys", () => {
  const value = { reason: "a\u001B[2J\u009B2J\u007F\u202E", line: "x\ny" };
  const json = toJson(value);
  expect(JSON.parse(json)).toEqual(value);
  expect(plain(json)).toBe(json);
});
