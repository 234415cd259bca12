import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

import { expect, inject, test } from "vitest";

const repo = join(import.meta.dirname, "..");
const example = join(repo, "examples/welcome.ts");

async function run(env: NodeJS.ProcessEnv): Promise<string> {
  const { REDIS_URL: _, ...inherited } = process.env;
  const args = ["--conditions=@understudy/source", example];
  const { stdout } = await promisify(execFile)(process.execPath, args, {
    cwd: repo,
    env: { ...inherited, ...env },
  });
  return stdout;
}

test("the README shows the example as it is", () => {
  expect(readFileSync(join(repo, "README.md"), "utf8")).toContain(readFileSync(example, "utf8"));
});

test("the example enqueues once, however often it is run", async () => {
  const env = { REDIS_URL: inject("redisUrl") };
  expect(await run(env)).toMatch(/^created: welcome-email-[\w-]{20}\n$/u);
  expect(await run(env)).toMatch(/^duplicate: welcome-email-[\w-]{20}\n$/u);
});

test("without a Redis to go to it says what to set", async () => {
  await expect(run({})).rejects.toThrow(/Set REDIS_URL to the one that npm start shows/u);
});
