import { expect, test } from "vitest";

import SummaryReporter from "./summary-reporter.ts";

type Module = Parameters<SummaryReporter["onTestRunEnd"]>[0][number];

function moduleOf(
  states: readonly string[],
  ok = true,
  errors: readonly object[] = [],
  hooks = errors,
): Module {
  const tests = states.map((state) => ({
    fullName: "the title",
    result: () => ({ state, errors: state === "failed" ? [{ message: "expected 1\nto be 2" }] : [] }),
  }));
  return {
    relativeModuleId: "src/a.test.ts",
    ok: () => ok,
    errors: () => errors,
    children: { allTests: () => tests, allSuites: () => [{ errors: () => hooks }] },
  } as unknown as Module;
}

test("the last line counts what passed and what failed, and each failure is named before it", () => {
  const summary = new SummaryReporter();
  summary.onTestRunEnd([moduleOf(["passed", "failed"], false), moduleOf(["passed"])], [], "failed");
  expect(summary.lines()).toEqual(["failed: src/a.test.ts > the title: expected 1", "2 passed, 1 failed"]);
});

test("skipped tests are told on the line before, so that the last line keeps its form", () => {
  const summary = new SummaryReporter();
  summary.onTestRunEnd([moduleOf(["passed", "skipped"])], [], "passed");
  expect(summary.lines()).toEqual(["(1 skipped)", "1 passed, 0 failed"]);
});

test("a file that does not load counts as a failure, and so does an error outside of any test", () => {
  const summary = new SummaryReporter();
  const unhandled = { message: "unhandled", stacks: [{ method: "f", file: "b.ts", line: 3, column: 1 }] };
  summary.onTestRunEnd([moduleOf([], false, [{ message: "no such module" }])], [unhandled], "failed");
  expect(summary.lines()).toEqual([
    "failed: an error outside of any test: unhandled (b.ts:3)",
    "failed: src/a.test.ts: no such module",
    "0 passed, 2 failed",
  ]);
});

test("a hook that fails after the last test is a failure although every test passed", () => {
  const summary = new SummaryReporter();
  summary.onTestRunEnd([moduleOf(["passed"], false, [], [{ message: "Hook timed out" }])], [], "failed");
  expect(summary.lines()).toEqual(["failed: src/a.test.ts: Hook timed out", "1 passed, 1 failed"]);
});

test("a run whose setup failed is a failure although no test failed", () => {
  const summary = new SummaryReporter();
  summary.onTestRunEnd([], [], "failed");
  expect(summary.lines()).toEqual(["failed: the run: failed", "0 passed, 1 failed"]);
});

test("a run that never came to an end is a failure", () => {
  expect(new SummaryReporter().lines()).toEqual([
    "failed: the run never came to an end",
    "0 passed, 1 failed",
  ]);
});

test("the first twenty failures are named, and all are counted", () => {
  const summary = new SummaryReporter();
  summary.onTestRunEnd([moduleOf(Array<string>(30).fill("failed"), false)], [], "failed");
  expect(summary.lines()).toHaveLength(21);
  expect(summary.lines().at(-1)).toBe("0 passed, 30 failed");
});
