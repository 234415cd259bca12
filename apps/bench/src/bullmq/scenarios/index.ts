import type { Scenario } from "../types.ts";
import { backlogScenarios } from "./backlog.ts";
import { callScenarios } from "./call.ts";
import { endToEndScenarios } from "./end-to-end.ts";
import { enqueueScenarios } from "./enqueue.ts";
import { memoryScenarios } from "./memory.ts";
import { pickUpScenarios } from "./pick-up.ts";
import { processScenarios } from "./process.ts";
import { startUpScenarios } from "./start-up.ts";
import { tracingScenarios } from "./tracing.ts";

/** In the order in which they are run and reported. */
export const scenarios: readonly Scenario[] = [
  ...enqueueScenarios,
  ...processScenarios,
  ...tracingScenarios,
  ...endToEndScenarios,
  ...callScenarios,
  ...pickUpScenarios,
  ...memoryScenarios,
  ...startUpScenarios,
  ...backlogScenarios,
];
