import type { Scenario } from "../types.ts";
import { drain } from "./process.ts";

/** The runtime with an OpenTelemetry SDK that exports nothing, beside itself without one. */
export const tracingScenarios: readonly Scenario[] = [
  {
    group: "tracing",
    rows: [
      {
        name: "tracing",
        figure: "perSecond",
        unit: "jobs/s",
        beside: "ours untraced",
        requires: { of: "ratio", atLeast: 0.9 },
      },
    ],
    take: (stage, system) =>
      drain(stage, "ours", {
        concurrency: 50,
        jobs: stage.isSmoke ? 400 : 60_000,
        isTraced: system === "ours",
      }),
  },
];
