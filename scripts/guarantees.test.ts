import { readFileSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

const repo = join(import.meta.dirname, "..");
const promises = [
  ...readFileSync(join(repo, "docs/guarantees.md"), "utf8").matchAll(/\| (\S+\.test\.ts): "([^"]+)" \|$/gmu),
].map(([, file = "", title = ""]) => ({ file, title }));

test("there are promises", () => {
  expect(promises.length).toBeGreaterThan(25);
});

test("each line of each table in docs/guarantees.md names a test", () => {
  const rows = readFileSync(join(repo, "docs/guarantees.md"), "utf8")
    .split("\n")
    .filter((line) => line.startsWith("| ") && !line.endsWith("| test |"));
  expect(rows).toHaveLength(promises.length);
});

test.each(promises)("$title", ({ file, title }) => {
  expect(readFileSync(join(repo, file), "utf8")).toContain(`"${title}"`);
});
