export { sandboxes } from "./catalog.gen.ts";
export { type Fault, type FaultMode, faultModes, faultSchema } from "./fault.ts";
export type { Effect, EffectNote } from "./ledger.ts";
export { environmentOf, type RunningSandbox, type Sandbox, type SandboxOptions } from "./sandbox.ts";
