// Usage: npm run check. Everything that can be known without running the product; stops at the first failure.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { styleText } from "node:util";

interface Step {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  /** What to do when it fails. */
  readonly mend: string;
}

const steps: readonly Step[] = [
  { name: "format", command: ["oxfmt", "--check"], mend: "npm run format" },
  { name: "catalogues", command: ["node", "scripts/gen-catalogs.ts", "--check"], mend: "npm run gen" },
  {
    name: "boundaries",
    command: ["node", "scripts/check-boundaries.ts"],
    mend: "each line above says what to do; the table is scripts/lib/boundaries/table.ts",
  },
  {
    name: "build and types",
    command: ["turbo", "run", "build", "typecheck", "//#typecheck:root", "--output-logs=errors-only"],
    mend: "npm run typecheck, until it is quiet",
  },
  {
    name: "lint",
    command: ["oxlint", "--type-aware", "--deny-warnings"],
    mend: "npm run lint -- --fix, and by hand what is left",
  },
  {
    name: "unused code",
    command: ["knip"],
    mend: "delete what is unused, or name it in knip.json when something outside of the code uses it",
  },
  {
    name: "packages",
    command: ["pnpm", "-r", "--filter", "./packages/*", "exec", "publint", "--strict"],
    mend: "mend package.json of the package named above",
  },
  {
    name: "lockfile platforms",
    command: ["node", "scripts/lock-platforms.mjs"],
    mend: "pin a version that is published for every platform, then npm run relock",
  },
];

const repo = join(import.meta.dirname, "..");

for (const { name, command, mend } of steps) {
  const started = performance.now();
  const [file, ...args] = command;
  const { status, error } = spawnSync(file, args, { cwd: repo, stdio: "inherit" });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  if (status === 0) {
    console.log(`${styleText("green", "ok  ")} ${name} (${seconds} s)`);
    continue;
  }
  if (error !== undefined) console.error(error.message);
  console.log(`${styleText("red", "FAIL")} ${name} (${seconds} s): ${command.join(" ")}`);
  console.log(`     To mend it: ${mend}`);
  process.exit(status ?? 1);
}
