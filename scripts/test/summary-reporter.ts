import type { Reporter, SerializedError, TestModule, TestRunEndReason } from "vitest/node";

type Module = Pick<TestModule, "children" | "ok" | "errors" | "relativeModuleId">;

/** At most so many failures are named: the end of a log is what CI keeps, and more than these are one cause. */
const NAMED = 20;

/** Counts and names what failed, so that the run can end with a plain line that any CI can read, and the cause above it. */
export default class SummaryReporter implements Reporter {
  #passed = 0;
  #failures: string[] = [];
  #skipped = 0;
  #hasRun = false;

  onTestRunEnd(
    modules: readonly Module[],
    unhandledErrors: readonly SerializedError[],
    reason: TestRunEndReason,
  ): void {
    this.#failures = unhandledErrors.map((error) => `an error outside of any test: ${firstLines(error)}`);
    for (const module of modules) this.#count(module);
    // A global setup that failed leaves no failed test behind, yet nothing was tested.
    if (reason !== "passed" && this.#failures.length === 0) this.#failures.push(`the run: ${reason}`);
    this.#hasRun = true;
  }

  /** `12 passed, 0 failed`, and before it what failed and what was skipped. A run that never came to an end has failed. */
  lines(): readonly string[] {
    const failures = this.#hasRun ? this.#failures : ["the run never came to an end"];
    const skipped = this.#skipped > 0 ? [`(${this.#skipped} skipped)`] : [];
    const named = failures.slice(0, NAMED).map((failure) => `failed: ${failure}`);
    return [...named, ...skipped, `${this.#passed} passed, ${failures.length} failed`];
  }

  #count(module: Module): void {
    let hasFailed = false;
    for (const test of module.children.allTests()) {
      const { state, errors } = test.result();
      if (state === "passed") this.#passed += 1;
      else if (state !== "failed") this.#skipped += 1;
      else {
        hasFailed = true;
        this.#failures.push(`${module.relativeModuleId} > ${test.fullName}: ${firstLines(errors[0])}`);
      }
    }
    // A file that does not even load has no test to fail; nor has one whose hook fails after its last test.
    if (!module.ok() && !hasFailed)
      this.#failures.push(`${module.relativeModuleId}: ${firstLines(errorOf(module))}`);
  }
}

/** Errors of hooks are kept by the suite whose hook it was. */
function errorOf(module: Module): SerializedError | undefined {
  const [own] = module.errors();
  if (own !== undefined) return own;
  for (const suite of module.children.allSuites()) {
    const [error] = suite.errors();
    if (error !== undefined) return error;
  }
  return undefined;
}

/** What it says first, and where it was thrown. Whatever was thrown: it need not be an error. */
function firstLines(error: SerializedError | undefined): string {
  const at = error?.stacks?.[0];
  const place = at === undefined ? "" : ` (${at.file}:${at.line})`;
  const message: unknown = error?.message;
  return `${typeof message === "string" ? message.split("\n", 1)[0] : "no error told"}${place}`;
}
