import { globSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";

import { defaultServerConditions } from "vite";
import { defineConfig, type TestProjectInlineConfiguration } from "vitest/config";

const repo = import.meta.dirname;
// Node does not know "module": some packages keep code for bundlers behind it that Node cannot load.
const conditions = ["@understudy/source", ...defaultServerConditions.filter((name) => name !== "module")];
const elsewhere = ["**/node_modules/**", "**/dist/**"];
const chaos = "**/*.chaos.test.ts";
const members = globSync("{packages,apps}/*/package.json", { cwd: repo }).map(dirname).toSorted();

type Project = NonNullable<TestProjectInlineConfiguration["test"]>;

/** Tests that kill processes and measure time run after all others, one file at a time. */
const alone: Project = {
  include: [chaos],
  exclude: elsewhere,
  fileParallelism: false,
  maxWorkers: 1,
  testTimeout: 60_000,
  hookTimeout: 60_000,
  sequence: { groupOrder: 1 },
};

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    globalSetup: [join(repo, "scripts/test/redis-setup.ts")],
    testTimeout: 20_000,
    hookTimeout: 20_000,
    // The tests wait for Redis more than they compute, so two share even the smallest machine.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    projects: [...members, "scripts"].flatMap((member) => [
      project(member, { include: ["**/*.test.ts"], exclude: [...elsewhere, chaos] }),
      ...(hasChaos(member) ? [project(member, alone, " chaos")] : []),
    ]),
  },
});

function project(member: string, test: Project, suffix = ""): TestProjectInlineConfiguration {
  return { extends: true, root: join(repo, member), test: { ...test, name: member + suffix } };
}

function hasChaos(member: string): boolean {
  return globSync(`${member}/{src,tour,lib,chaos}/${chaos}`, { cwd: repo }).length > 0;
}
