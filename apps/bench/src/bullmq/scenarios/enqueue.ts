import type { Load, Scenario, WorkOf } from "../types.ts";
import { AT_WORK } from "../warm.ts";

const SMOKE_JOBS = 300;

interface Way {
  readonly name: string;
  readonly callers: number;
  readonly jobs: number;
  readonly bulk?: number;
  readonly load?: Load;
  readonly atLeast?: number;
}

const ways: readonly Way[] = [
  { name: "enqueue-1", callers: 1, jobs: 10_000, atLeast: 0.95 },
  { name: "enqueue-10", callers: 10, jobs: 60_000, atLeast: 1 },
  { name: "enqueue-100", callers: 100, jobs: 80_000, atLeast: 1.8 },
  { name: "enqueue-1000", callers: 1000, jobs: 80_000, atLeast: 2 },
  { name: "enqueue-bulk", callers: 2, jobs: 80_000, bulk: 500, atLeast: 1.8 },
  { name: "enqueue-ids", callers: 100, jobs: 80_000, load: "own" },
  { name: "enqueue-delayed", callers: 100, jobs: 80_000, load: "delayed" },
  { name: "enqueue-priority", callers: 100, jobs: 80_000, load: "prioritised" },
];

/** The client's `enqueue` and `enqueueMany`, beside `add` and `addBulk`. */
export const enqueueScenarios: readonly Scenario[] = ways.map(
  ({ name, callers, jobs: many, bulk = 1, load = "plain", atLeast }) => ({
    group: "enqueue",
    rows: [
      {
        name,
        figure: "perSecond",
        unit: "jobs/s",
        ...(atLeast === undefined ? {} : { requires: { of: "ratio", atLeast } as const }),
      },
    ],
    async take(stage, system) {
      await stage.empty();
      const jobs = stage.isSmoke ? SMOKE_JOBS : many;
      const work: WorkOf<"enqueue"> = {
        kind: "enqueue",
        burst: stage.isSmoke ? 0 : AT_WORK,
        callers,
        bulk,
        load,
        warm: Math.ceil(jobs / 4),
        jobs,
      };
      return await stage.sample(system, stage.namespace(system), work);
    },
  }),
);
