import { readFileSync } from "node:fs";

import { expect, test } from "vitest";

import { canBatch, KNOWN_BULLMQ, usesBatches } from "./backend.ts";

test("calls go together unless UNDERSTUDY_BACKEND is plain", () => {
  expect(usesBatches({})).toBe(true);
  expect(usesBatches({ UNDERSTUDY_BACKEND: "plain" })).toBe(false);
  expect(usesBatches({ UNDERSTUDY_BACKEND: "" })).toBe(true);
  expect(usesBatches({})).toBe(true);
});

test("the known BullMQ raises no warning", () => {
  const warnings: string[] = [];
  expect(canBatch(KNOWN_BULLMQ, (warning) => warnings.push(warning))).toBe(true);
  expect(warnings).toEqual([]);
});

test.each(["6.7.1", "6.8.0", "7.0.0", "6.7.0-rc.1", ""])(
  "with BullMQ %j jobs go one by one, and one warning says so with the version",
  (version) => {
    const warnings: string[] = [];
    expect(canBatch(version, (warning) => warnings.push(warning))).toBe(false);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain(`BullMQ is ${version} and not ${KNOWN_BULLMQ}`);
    expect(warnings[0]).toContain(`Install bullmq ${KNOWN_BULLMQ}`);
  },
);

test("the known BullMQ is the one that this package names, and the one whose scripts ours were held against", () => {
  const { dependencies } = JSON.parse(
    readFileSync(new URL("../../package.json", import.meta.url), "utf8"),
  ) as { readonly dependencies: Readonly<Record<string, string>> };
  expect(dependencies["bullmq"]).toBe(KNOWN_BULLMQ);
});
