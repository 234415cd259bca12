import { execFileSync } from "node:child_process";

import { expect, test } from "vitest";

import { loadSdk } from "./load-sdk.ts";

/** Tells which packages of others come with the catalogue. */
const PROGRAM = `
import { registerHooks } from "node:module";
const packages = new Set();
registerHooks({
  resolve(specifier, context, next) {
    const found = next(specifier, context);
    const name = /^.*\\/node_modules\\/((?:@[^/]+\\/)?[^/]+)/u.exec(found.url)?.[1];
    if (name !== undefined) packages.add(name);
    return found;
  },
});
const { providers } = await import("@understudy/providers");
console.log(JSON.stringify({ providers: Object.keys(providers).length, packages: [...packages].toSorted() }));
`;

test("the catalogue of all providers comes without their SDKs", () => {
  const args = ["--conditions=@understudy/source", "--input-type=module", "--eval", PROGRAM];
  const told = execFileSync(process.execPath, args, { cwd: import.meta.dirname, encoding: "utf8" });
  const { providers, packages } = JSON.parse(told) as { providers: number; packages: readonly string[] };
  expect(providers).toBeGreaterThan(10);
  expect(packages).toEqual(["undici", "zod"]);
});

test("an SDK that is not there is named, with what to do", () => {
  expect(() => loadSdk("stripe/no-such-part")).toThrow(
    "The package stripe/no-such-part cannot be loaded (ERR_PACKAGE_PATH_NOT_EXPORTED); install the dependencies of @understudy/providers again.",
  );
});
