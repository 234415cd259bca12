export { type ConformanceOptions, type Expectation, testProvider } from "./conformance.ts";
export {
  type Behaviour,
  type CapturedRequest,
  type Misbehaving,
  misbehaving,
  type Prelude,
  type ScriptedAnswer,
} from "./misbehaving.ts";
export { type FaultProxy, startFaultProxy } from "./fault-proxy.ts";
export { type GateSuiteOptions, testGate } from "./gate-suite.ts";
export { newSpace, type Space } from "./space.ts";
export { until } from "./until.ts";
export { createVirtualClock, type VirtualClock } from "./virtual-clock.ts";
