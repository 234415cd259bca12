// Usage: npm test [-- <part of a file name>... -t <part of a title> ...]: anything that `vitest run` takes.
import { constants } from "node:os";
import { join } from "node:path";

import { parseCLI, startVitest, type Vitest } from "vitest/node";

import SummaryReporter from "./test/summary-reporter.ts";

const summary = new SummaryReporter();
const { filter, options } = parseCLI(["vitest", "run", ...process.argv.slice(2)]);

// The first signal lets the run end in order, Redis included; a second one ends it at once.
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, () => {
    process.on("exit", () => {
      process.exitCode = 128 + constants.signals[signal];
    });
    void running?.cancelCurrentRun("keyboard-input");
  });

let running: Vitest | undefined;
const vitest = await startVitest("test", filter, {
  ...options,
  run: true,
  root: join(import.meta.dirname, ".."),
  reporters: [
    "default",
    summary,
    {
      onInit(instance) {
        running = instance;
      },
    },
  ],
});
await vitest.close();
console.log(`\n${summary.lines().join("\n")}`);
// A handle that a test left open must not keep the run from ending.
setTimeout(() => process.exit(), 2_000).unref();
