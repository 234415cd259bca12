import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, test } from "vitest";

const start = join(import.meta.dirname, "../start.ts");

function run(...args: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  const words = ["--conditions=@understudy/source", start, ...args];
  return spawnSync(process.execPath, words, { encoding: "utf8" });
}

test.each([
  [["--mails", "20"], "--mails must be a whole number from 300 to 900."],
  [["--mails", "many"], "--mails must be a whole number from 300 to 900."],
  [["--json", ""], "--json needs the name of a file."],
  [["--json", join(tmpdir(), "no-such-folder/out.json")], "Make it, or name another."],
  [["--json", tmpdir()], "is a folder. Name a file in it."],
  [["--json"], "argument missing"],
  [["--exti"], "Unknown option '--exti'"],
])("%j is refused with the usage before anything starts", (args, words) => {
  const { status, stdout, stderr } = run(...args);
  expect([status, stdout]).toEqual([2, ""]);
  expect(stderr).toContain(words);
  expect(stderr).toContain("npm start -- --exit --json FILE");
});

test("--help shows the usage", () => {
  expect(run("--help")).toMatchObject({
    status: 0,
    stdout: expect.stringContaining("npm start -- --mails N"),
  });
});
