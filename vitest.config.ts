import { globSync } from "node:fs";
import { dirname, join } from "node:path";

import { defaultServerConditions } from "vite";
import { defineConfig } from "vitest/config";

const repo = import.meta.dirname;
const conditions = ["@understudy/source", ...defaultServerConditions];
const members = globSync("{packages,apps}/*/package.json", { cwd: repo }).map(dirname).toSorted();

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    globalSetup: [join(repo, "scripts/test/redis-setup.ts")],
    reporters: ["default", join(repo, "scripts/test/summary-reporter.ts")],
    projects: [...members, "scripts"].map((member) => ({
      extends: true as const,
      root: join(repo, member),
      test: { name: member, include: ["**/*.test.ts"], exclude: ["**/node_modules/**", "**/dist/**"] },
    })),
  },
});
