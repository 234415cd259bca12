import { readFileSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

import { errorCodes, UnderstudyError } from "./errors.ts";

test("docs/errors.md has a line for each code, and no other", () => {
  const docs = readFileSync(join(import.meta.dirname, "../../../docs/errors.md"), "utf8");
  const documented = [...docs.matchAll(/^\| `(\w+)` \|/gmu)].map(([, code = ""]) => code);
  expect(documented.toSorted()).toEqual([...errorCodes].toSorted());
});

test("an error keeps its cause", () => {
  const cause = new Error("below");
  expect(new UnderstudyError("config_invalid", "above", { cause })).toMatchObject({
    name: "UnderstudyError",
    code: "config_invalid",
    cause,
  });
});
