import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { beforeEach, describe, expect, onTestFinished, test } from "vitest";

import { findViolations } from "./lib/boundaries/find-violations.ts";

let tree: string;

beforeEach(() => {
  tree = mkdtempSync(join(tmpdir(), "understudy-boundaries-"));
  onTestFinished(() => rmSync(tree, { recursive: true, force: true }));
  for (const name of ["core", "jobs", "providers", "resilience", "queue", "client", "runtime", "testkit"])
    member(`packages/${name}`);
  for (const name of ["worker", "sandbox"]) member(`apps/${name}`);
});

function write(path: string, text: string): void {
  mkdirSync(dirname(join(tree, path)), { recursive: true });
  writeFileSync(join(tree, path), text);
}

function member(path: string, extra: Record<string, unknown> = {}): void {
  const exports = {
    ".": "./src/index.ts",
    ...(path.endsWith("providers") ? { "./sandbox": "./src/sandbox/index.ts" } : {}),
  };
  write(
    `${path}/package.json`,
    JSON.stringify({ name: `@understudy/${path.split("/")[1]}`, exports, ...extra }),
  );
}

/** The violations of a tree with this one file. */
function of(path: string, text: string): readonly string[] {
  write(path, text);
  return findViolations(tree);
}

describe("what is allowed", () => {
  test.each([
    [
      "packages/core/src/a.ts",
      'import * as z from "zod"; import { b } from "./b.ts"; export * from "./b.ts";',
    ],
    [
      "packages/jobs/src/x/job.ts",
      'import { defineJob } from "@understudy/core"; import { htmlEscape } from "escape-goat";',
    ],
    [
      "packages/providers/src/x/send.ts",
      'import sdk from "some-vendor"; import { request } from "undici"; import "node:tls";',
    ],
    [
      "packages/providers/src/x/sandbox.ts",
      'import { SMTPServer } from "smtp-server"; import { y } from "../sandbox/faults.ts";',
    ],
    ["packages/providers/src/sandbox/catalog.gen.ts", 'import { xSandbox } from "../x/sandbox.ts";'],
    [
      "packages/providers/src/x/x.test.ts",
      'import { xSandbox } from "./sandbox.ts"; import { test } from "vitest";',
    ],
    ["packages/resilience/src/redis/circuit.ts", 'import { Redis } from "ioredis";'],
    ["packages/runtime/src/log.ts", 'import type { Logger } from "pino"; import { type Level } from "pino";'],
    ["packages/core/src/a.test.ts", 'import fc from "fast-check"; import "node:fs"; process.env["CI"];'],
    ["packages/core/src/testing/arbitraries.ts", 'import fc from "fast-check"; import "node:fs";'],
    ["apps/worker/src/main.ts", 'import { providers } from "@understudy/providers"; process.env["PORT"];'],
    ["apps/sandbox/src/main.ts", 'import { sandboxes } from "@understudy/providers/sandbox";'],
    [
      "packages/queue/src/a.ts",
      "const process = { environment: 1 }; export const env = process.environment;",
    ],
  ])("%s: %s", (path, text) => {
    expect(of(path, text)).toEqual([]);
  });
});

describe("each rule is caught, with the file, the line, what is imported and what to do", () => {
  test.each([
    [
      "a package that the table does not allow",
      "packages/client/src/a.ts",
      '\nimport "@understudy/runtime";',
      /^packages\/client\/src\/a\.ts:2 imports "@understudy\/runtime": client may import core, queue, @opentelemetry\/api\. /u,
    ],
    [
      "a package from npm that the table does not allow",
      "packages/core/src/a.ts",
      'import x from "lodash";',
      /"lodash": core may import zod\. Move/u,
    ],
    [
      "bullmq among the providers",
      "packages/providers/src/a.ts",
      'import { Queue } from "bullmq";',
      /providers never imports it/u,
    ],
    [
      "ioredis outside of resilience/redis",
      "packages/resilience/src/a.ts",
      'import { Redis } from "ioredis";',
      /only under src\/redis\//u,
    ],
    [
      "the code of a package of which only types are allowed",
      "packages/runtime/src/a.ts",
      'import { pino } from "pino";',
      /only its types/u,
    ],
    [
      "a Node module in core",
      "packages/core/src/a.ts",
      'import { hash } from "node:crypto";',
      /core is pure/u,
    ],
    [
      "a Node module without its prefix in jobs",
      "packages/jobs/src/a.ts",
      'import fs from "fs/promises";',
      /jobs is pure/u,
    ],
    [
      "an app, by a package",
      "packages/queue/src/a.ts",
      'import "@understudy/worker";',
      /nothing imports an app/u,
    ],
    [
      "an app, by an app's test",
      "apps/worker/src/a.test.ts",
      'import "@understudy/sandbox";',
      /nothing imports an app/u,
    ],
    [
      "a fake, by its adapter",
      "packages/providers/src/x/send.ts",
      'import { xSandbox } from "./sandbox.ts";',
      /only fakes and tests/u,
    ],
    [
      "the fakes' catalogue, by the providers' index",
      "packages/providers/src/index.ts",
      'export * from "./sandbox/catalog.gen.ts";',
      /only fakes and tests/u,
    ],
    [
      "the fakes, by another app",
      "apps/worker/src/a.ts",
      'import "@understudy/providers/sandbox";',
      /only apps\/sandbox and tests/u,
    ],
    [
      "a server in an adapter",
      "packages/providers/src/x/send.ts",
      'import { SMTPServer } from "smtp-server";',
      /only fakes .* listen/u,
    ],
    [
      "testkit outside of tests",
      "packages/runtime/src/a.ts",
      'import "@understudy/testkit";',
      /for tests only/u,
    ],
    [
      "testkit in an app outside of tests",
      "apps/worker/src/a.ts",
      'import "@understudy/testkit";',
      /for tests only/u,
    ],
    [
      "what tests share, outside of tests",
      "packages/core/src/a.ts",
      'import { any } from "./testing/any.ts";',
      /only tests may import what tests share/u,
    ],
    [
      "vitest outside of tests",
      "packages/queue/src/a.ts",
      'import { test } from "vitest";',
      /queue may import core, bullmq, ioredis/u,
    ],
    [
      "what a test does not list in devDependencies",
      "packages/core/src/a.test.ts",
      'import "@understudy/testkit";',
      /Add @understudy\/testkit to devDependencies/u,
    ],
    [
      "a relative path into another package",
      "packages/client/src/a.ts",
      'import "../../queue/src/b.ts";',
      /stays inside its package/u,
    ],
    [
      "a way round a package's exports",
      "packages/client/src/a.ts",
      'import "@understudy/queue/src/b.ts";',
      /does not export \.\/src\/b\.ts/u,
    ],
    [
      "the environment, by a package",
      "packages/queue/src/a.ts",
      'const a = 1;\nconst port = process.env["PORT"];',
      /^packages\/queue\/src\/a\.ts:2 reads process\.env: only apps/u,
    ],
  ])("%s", (_, path, text, expected) => {
    const found = of(path, text);
    expect(found).toEqual([expect.stringMatching(expected)]);
    expect(found[0]).not.toContain("\n");
  });

  test.each([
    'export * from "@understudy/jobs";',
    'export { a } from "@understudy/jobs";',
    'const a = await import("@understudy/jobs");',
    "const a = await import(`@understudy/jobs`);",
    'type A = import("@understudy/jobs").A;',
    'import type { A } from "@understudy/jobs";',
    'import a = require("@understudy/jobs");',
    'const a = require("@understudy/jobs");',
    'const a = loadSdk("@understudy/jobs");',
    'import.meta.resolve("@understudy/jobs");',
  ])("however it is imported: %s", (text) => {
    expect(of("packages/runtime/src/a.ts", text)).toEqual([expect.stringContaining("runtime may import")]);
  });

  test.each([
    'import { env } from "node:process";',
    "const { env } = process;",
    "globalThis.process.env.A;",
    'process["env"];',
  ])("however the environment is read: %s", (text) => {
    expect(of("packages/queue/src/a.ts", text)).toEqual([expect.stringContaining("reads process.env")]);
  });

  test("an import in a comment or a string is none", () => {
    expect(of("packages/core/src/a.ts", '// import "bullmq"\nexport const a = \'import "bullmq"\';')).toEqual(
      [],
    );
  });
});

describe("dependency lists", () => {
  test.each([
    ["dependencies", "@understudy/providers", "packages/client", /client may import core, queue/u],
    ["peerDependencies", "bullmq", "packages/client", /client may import/u],
    ["dependencies", "@understudy/testkit", "packages/runtime", /Name it in devDependencies/u],
    ["devDependencies", "@understudy/worker", "packages/runtime", /nothing imports an app/u],
    ["optionalDependencies", "ioredis", "packages/providers", /providers never imports it/u],
  ])("%s: %s of %s", (list, name, path, expected) => {
    member(path, { [list]: { [name]: "*" } });
    expect(findViolations(tree)).toEqual([expect.stringMatching(expected)]);
    expect(findViolations(tree)[0]).toContain(`${path}/package.json depends on ${name}`);
  });

  test("devDependencies are what tests may import besides", () => {
    member("packages/client", { devDependencies: { "@understudy/testkit": "*", "a-vendor-double": "*" } });
    expect(
      of("packages/client/src/a.test.ts", 'import "@understudy/testkit"; import "a-vendor-double";'),
    ).toEqual([]);
  });

  test("a circle is told once, by the packages it goes through, devDependencies included", () => {
    member("packages/queue", { devDependencies: { "@understudy/testkit": "*" } });
    member("packages/testkit", { dependencies: { "@understudy/queue": "*" } });
    member("apps/worker", { dependencies: { "@understudy/queue": "*" } });
    expect(findViolations(tree)).toEqual([
      expect.stringMatching(/^queue -> testkit -> queue: these depend on each other/u),
    ]);
  });

  test("a package without a row in the table is told to get one", () => {
    member("packages/magic");
    expect(findViolations(tree)).toEqual([
      expect.stringMatching(/packages\/magic: the package is not in the import table/u),
    ]);
  });
});
