import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, expect, test } from "vitest";

import { findViolations } from "../boundaries/find-violations.ts";
import { kinds, makeFolder } from "./make-folder.ts";

const repo = join(import.meta.dirname, "../../..");
const node = ["--conditions=@understudy/source"];
const copied = [
  "packages",
  "apps",
  ".env.example",
  ".oxfmtrc.json",
  ".oxlintrc.json",
  "tsconfig.base.json",
  "package.json",
];
let tree: string;
let written: readonly string[];

// A copy, so that nobody who works in the repository meets folders that come and go.
beforeAll(async () => {
  tree = mkdtempSync(join(tmpdir(), "understudy-new-"));
  for (const path of copied)
    cpSync(join(repo, path), join(tree, path), {
      recursive: true,
      filter: (source) => !/\/(?:node_modules|dist|\.turbo)$/u.test(source),
    });
  for (const path of [".", ...members()])
    if (existsSync(join(repo, path, "node_modules")))
      symlinkSync(join(repo, path, "node_modules"), join(tree, path, "node_modules"));
  symlinkSync(join(repo, "scripts"), join(tree, "scripts"));
  writeFileSync(join(tree, "vitest.config.mjs"), vitestConfig());
  written = [
    ...(await makeFolder(tree, kinds.job, "made-by-a-test")),
    ...(await makeFolder(tree, kinds.provider, "made-by-another-test")),
  ];
});
afterAll(() => rmSync(tree, { recursive: true, force: true }));

test("only the folder and what is generated are written", () => {
  const own = /^packages\/(?:jobs\/src\/made-by-a-test|providers\/src\/made-by-another-test)\//u;
  expect(written.filter((path) => !own.test(path)).toSorted()).toEqual([
    ".env.example",
    "packages/jobs/src/catalog.gen.ts",
    "packages/providers/README.md",
    "packages/providers/src/catalog.gen.ts",
    "packages/providers/src/sandbox/catalog.gen.ts",
  ]);
  expect(readFileSync(join(tree, ".env.example"), "utf8")).toMatch(
    /^ROUTE_EMAIL_SEND=.*,made-by-another-test$[^]*^MADE_BY_ANOTHER_TEST_API_KEY=/mu,
  );
});

test("nothing of the templates' own names is left", () => {
  for (const path of written.filter(
    (one) => one.includes("made-by-a-test") || one.includes("made-by-another-test"),
  ))
    expect(readFileSync(join(tree, path), "utf8")).not.toMatch(/example-?name/iu);
});

test("it is in the catalogues, formatted, and within the boundaries", () => {
  expect(run(process.execPath, [...node, "scripts/gen-catalogs.ts", tree, "--check"])).toMatchObject({
    status: 0,
  });
  expect(run(bin("oxfmt"), ["--check", "packages/jobs", "packages/providers"])).toMatchObject({ status: 0 });
  expect(findViolations(tree)).toEqual([]);
});

test.each(["packages/jobs", "packages/providers"])("%s compiles", (path) => {
  expect(run(bin("tsc"), ["-p", path])).toMatchObject({ status: 0 });
});

test("it lints", () => {
  const folders = ["packages/jobs/src/made-by-a-test", "packages/providers/src/made-by-another-test"];
  const { status, output } = run(bin("oxlint"), ["--type-aware", "--deny-warnings", ...folders]);
  expect(status, output).toBe(0);
});

test("its tests pass, and so do those that ask every job, provider, fake and variable", () => {
  const { status, output } = run(bin("vitest"), ["run", "--config", "vitest.config.mjs"]);
  expect(status, output).toBe(0);
  for (const file of [
    "made-by-a-test/job.test.ts",
    "made-by-another-test/send-email.test.ts",
    "sandboxes.test.ts",
    "env-example.test.ts",
  ])
    expect(output).toContain(file);
});

test.each([
  ["new-job", ["Nope"], "must be kebab-case"],
  ["new-job", ["welcome-email"], "exists already"],
  ["new-job", [], "Give one name."],
  ["new-provider", ["sandbox"], "exists already"],
  [
    "new-provider",
    ["acme", "--capability", "payment.charge"],
    'There is no template for "payment.charge", only for email.send.',
  ],
  ["new-provider", ["acme", "--colour", "red"], "Unknown option"],
])("npm run %s -- %j is refused with the reason and the usage", (script, args, words) => {
  const { status, output } = run(process.execPath, [...node, join(repo, `scripts/${script}.ts`), ...args]);
  expect(output).toContain(words);
  expect(output).toContain(`Usage: npm run ${script} -- `);
  expect(status).toBe(2);
});

function members(): readonly string[] {
  return ["packages", "apps"].flatMap((group) =>
    readdirSync(join(tree, group)).map((name) => `${group}/${name}`),
  );
}

/** As vitest.config.ts resolves, without its Redis; the apps' tests see the copy's catalogues. */
function vitestConfig(): string {
  const conditions = ["@understudy/source", "node", "development|production"];
  const alias = Object.fromEntries(
    [
      ["@understudy/providers/sandbox", "packages/providers/src/sandbox/index.ts"],
      ["@understudy/providers", "packages/providers/src/index.ts"],
      ["@understudy/jobs", "packages/jobs/src/index.ts"],
    ].map(([name, path = ""]) => [name, join(tree, path)]),
  );
  const include = [
    "packages/jobs/src/**/*.test.ts",
    "packages/providers/src/made-by-another-test/*.test.ts",
    "packages/providers/src/sandbox/*.test.ts",
    "apps/worker/src/{env-example,config}.test.ts",
  ];
  const config = {
    resolve: { conditions, alias },
    ssr: { resolve: { conditions } },
    test: { include, testTimeout: 20_000 },
  };
  return `export default ${JSON.stringify(config)};\n`;
}

function bin(name: string): string {
  return join(repo, "node_modules/.bin", name);
}

function run(
  command: string,
  args: readonly string[],
): { readonly status: number | null; readonly output: string } {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: tree, encoding: "utf8" });
  return { status, output: stdout + stderr };
}
