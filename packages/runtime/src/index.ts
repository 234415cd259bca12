export type { CallSummary, Observe, RuntimeEvent } from "./events.ts";
export { type Runtime, type RuntimeOptions, startRuntime } from "./runtime.ts";
