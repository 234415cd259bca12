import type { Stage } from "../stage.ts";
import type { Sample, Scenario, System } from "../types.ts";
import { AT_WORK } from "../warm.ts";

/** A producer with 100 in flight and a worker of 50 slots together. */
export const endToEndScenarios: readonly Scenario[] = [
  {
    group: "end-to-end",
    rows: [
      { name: "end-to-end", figure: "perSecond", unit: "jobs/s", requires: { of: "ratio", atLeast: 1.5 } },
    ],
    take: (stage, system) => endToEnd(stage, system, stage.isSmoke ? 400 : 60_000),
  },
];

export async function endToEnd(stage: Stage, system: System, jobs: number): Promise<Sample> {
  await stage.empty();
  const warm = stage.isSmoke ? Math.ceil(jobs / 4) : AT_WORK;
  const work = { kind: "end-to-end", callers: 100, concurrency: 50, warm, jobs } as const;
  return await stage.sample(system, stage.namespace(system), work);
}
