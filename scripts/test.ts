// Usage: npm test [-- <part of a file name>... -t <part of a title> ...]: anything that `vitest run` takes.
import { constants } from "node:os";
import { join } from "node:path";

import { parseCLI, startVitest } from "vitest/node";

import SummaryReporter from "./test/summary-reporter.ts";

const summary = new SummaryReporter();
const { filter, options } = parseCLI(["vitest", "run", ...process.argv.slice(2)]);

// Whatever ends the run, this is its last line; the Redis hangs on this process and ends with it.
process.on("exit", () => console.log(`\n${summary.lines().join("\n")}`));
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
  process.once(signal, () => process.exit(128 + constants.signals[signal]));

const vitest = await startVitest("test", filter, {
  ...options,
  run: true,
  root: join(import.meta.dirname, ".."),
  reporters: ["default", summary],
});
await vitest.close();
// A handle that a test left open must not keep the run from ending.
setTimeout(() => process.exit(), 2_000).unref();
