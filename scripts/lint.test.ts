import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, onTestFinished, test } from "vitest";

const repo = join(import.meta.dirname, "..");

/** The rules that our own configuration reports for this code. */
function lint(code: string): { readonly status: number | null; readonly output: string } {
  const dir = mkdtempSync(join(tmpdir(), "understudy-lint-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  writeFileSync(
    join(dir, "tsconfig.json"),
    JSON.stringify({ compilerOptions: { strict: true, module: "nodenext", types: [] } }),
  );
  writeFileSync(
    join(dir, "fixture.ts"),
    `declare const queue: { add(name: string): Promise<string> };\n${code}\nexport const done = true;\n`,
  );
  const args = [
    "--config",
    join(repo, ".oxlintrc.json"),
    "--type-aware",
    "--deny-warnings",
    "--format=unix",
    ".",
  ];
  const { status, stdout, stderr } = spawnSync(join(repo, "node_modules/.bin/oxlint"), args, {
    cwd: dir,
    encoding: "utf8",
  });
  return { status, output: stdout + stderr };
}

test("code that awaits its promises passes", () => {
  const { status, output } = lint('await queue.add("a");');
  expect(status, output).toBe(0);
});

test.each([
  ["a promise that nobody awaits", 'queue.add("a");', "no-floating-promises"],
  ["a promise taken for a truth", 'if (queue.add("a")) throw new Error("b");', "no-misused-promises"],
  [
    "an async callback where nobody waits for it",
    '["a"].forEach(async (name) => { await queue.add(name); });',
    "no-misused-promises",
  ],
  [
    "a promise that leaves its try before it fails",
    'export async function f() { try { return queue.add("a"); } catch { return ""; } }',
    "return-await",
  ],
  [
    "a kind that a switch forgets",
    'export function f(kind: "a" | "b") { switch (kind) { case "a": return 1; } return 2; }',
    "switch-exhaustiveness-check",
  ],
])("%s fails the check", (_, code, rule) => {
  const { status, output } = lint(code);
  expect(output).toContain(rule);
  expect(status).not.toBe(0);
});
