import { expect, test } from "vitest";

import SummaryReporter from "./summary-reporter.ts";

type Module = Parameters<SummaryReporter["onTestRunEnd"]>[0][number];

function moduleOf(states: readonly string[], ok = true): Module {
  const tests = states.map((state) => ({ result: () => ({ state }) }));
  return { ok: () => ok, children: { allTests: () => tests } } as unknown as Module;
}

test("the last line counts what passed and what failed", () => {
  const summary = new SummaryReporter();
  summary.onTestRunEnd([moduleOf(["passed", "failed"], false), moduleOf(["passed"])], [], "failed");
  expect(summary.lines()).toEqual(["2 passed, 1 failed"]);
});

test("skipped tests are told on the line before, so that the last line keeps its form", () => {
  const summary = new SummaryReporter();
  summary.onTestRunEnd([moduleOf(["passed", "skipped"])], [], "passed");
  expect(summary.lines()).toEqual(["(1 skipped)", "1 passed, 0 failed"]);
});

test("a file that does not load counts as a failure, and so does an error outside of any test", () => {
  const summary = new SummaryReporter();
  summary.onTestRunEnd([moduleOf([], false)], [new Error("unhandled")], "failed");
  expect(summary.lines()).toEqual(["0 passed, 2 failed"]);
});

test("a run whose setup failed is a failure although no test failed", () => {
  const summary = new SummaryReporter();
  summary.onTestRunEnd([], [], "failed");
  expect(summary.lines()).toEqual(["0 passed, 1 failed"]);
});

test("a run that never came to an end is a failure", () => {
  expect(new SummaryReporter().lines()).toEqual(["0 passed, 1 failed"]);
});
