import { fill } from "../fill.ts";
import type { Stage } from "../stage.ts";
import { startTracing } from "../tracing.ts";
import type { Sample, Scenario, System, WorkOf } from "../types.ts";
import { AT_WORK } from "../warm.ts";

interface Way {
  readonly name: string;
  readonly concurrency: number;
  readonly jobs: number;
  readonly atLeast?: number;
}

const ways: readonly Way[] = [
  { name: "process-1", concurrency: 1, jobs: 10_000 },
  { name: "process-10", concurrency: 10, jobs: 60_000, atLeast: 1.2 },
  { name: "process-50", concurrency: 50, jobs: 80_000, atLeast: 1.6 },
];

/** The whole runtime with a provider that delivers at once, beside a Worker that does nothing: both drain what waits. */
export const processScenarios: readonly Scenario[] = ways.map(({ name, concurrency, jobs, atLeast }) => ({
  group: "process",
  rows: [
    {
      name,
      figure: "perSecond",
      unit: "jobs/s",
      ...(atLeast === undefined ? {} : { requires: { of: "ratio", atLeast } as const }),
    },
  ],
  take: (stage, system) =>
    drain(stage, system, { concurrency, jobs: stage.isSmoke ? 400 : jobs, isTraced: false }),
}));

type Size = Pick<WorkOf<"process">, "concurrency" | "jobs" | "isTraced">;

/** Fills a queue, and has a fresh process drain it. What is traced is traced from its enqueue on. */
export async function drain(stage: Stage, system: System, size: Size): Promise<Sample> {
  await stage.empty();
  const namespace = stage.namespace(system);
  const warm = stage.isSmoke ? Math.ceil(size.jobs / 4) : AT_WORK;
  const stopTracing = size.isTraced ? startTracing() : undefined;
  try {
    await fill(stage, { system, namespace, count: warm + size.jobs });
  } finally {
    stopTracing?.();
  }
  return await stage.sample(system, namespace, { kind: "process", warm, ...size });
}
