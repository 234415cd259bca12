import type { Reporter, TestModule, TestRunEndReason } from "vitest/node";

/** Counts, so that the run can end with one plain line that any CI can read. */
export default class SummaryReporter implements Reporter {
  #passed = 0;
  #failed = 0;
  #skipped = 0;
  #hasRun = false;

  onTestRunEnd(
    modules: readonly Pick<TestModule, "children" | "ok">[],
    unhandledErrors: readonly unknown[],
    reason: TestRunEndReason,
  ): void {
    this.#hasRun = true;
    this.#failed = unhandledErrors.length;
    for (const module of modules) this.#count(module);
    // A global setup that failed leaves no failed test behind, yet nothing was tested.
    if (reason !== "passed" && this.#failed === 0) this.#failed = 1;
  }

  /** `12 passed, 0 failed`, and before it what was skipped. A run that never came to an end has failed. */
  lines(): readonly string[] {
    const failed = this.#hasRun ? this.#failed : 1;
    const skipped = this.#skipped > 0 ? [`(${this.#skipped} skipped)`] : [];
    return [...skipped, `${this.#passed} passed, ${failed} failed`];
  }

  #count(module: Pick<TestModule, "children" | "ok">): void {
    let tests = 0;
    for (const test of module.children.allTests()) {
      tests += 1;
      const { state } = test.result();
      if (state === "passed") this.#passed += 1;
      else if (state === "failed") this.#failed += 1;
      else this.#skipped += 1;
    }
    // A file that does not even load has no test to fail.
    if (tests === 0 && !module.ok()) this.#failed += 1;
  }
}
