export type { CallSummary, Measured, Observe, RuntimeEvent } from "./events.ts";
export { type Janitor, type JanitorOptions, startJanitor } from "./janitor.ts";
export { type Runtime, type RuntimeOptions, startRuntime } from "./runtime.ts";
