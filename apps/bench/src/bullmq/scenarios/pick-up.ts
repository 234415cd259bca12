import { median } from "../median.ts";
import type { Stage } from "../stage.ts";
import type { Sample, Scenario, System, WorkOf } from "../types.ts";
import { AT_WORK } from "../warm.ts";
import { endToEnd } from "./end-to-end.ts";

const BUSY_SHARE = 0.75;
/** Of the short form, which measures no capacity. */
const SMOKE_PER_SECOND = 200;

/** From before a job is enqueued until its adapter, or its processor, has it: at a quiet load, and at one that keeps bare BullMQ busy. */
export const pickUpScenarios: readonly Scenario[] = [
  {
    group: "pickup",
    rows: [
      { name: "pickup-p50", figure: "p50Ms", unit: "ms", requires: { of: "ratio", atMost: 1.1 } },
      { name: "pickup-p99", figure: "p99Ms", unit: "ms", requires: { of: "ratio", atMost: 1.3 } },
    ],
    take: (stage, system) =>
      pickUp(stage, system, stage.isSmoke ? SMOKE_PER_SECOND : 100, stage.isSmoke ? 0.5 : 10),
  },
  busy(),
];

function busy(): Scenario {
  let perSecond = SMOKE_PER_SECOND;
  return {
    group: "pickup",
    rows: [{ name: "pickup-p99-busy", figure: "p99Ms", unit: "ms", requires: { of: "ratio", atMost: 0.6 } }],
    async prepare(stage) {
      if (stage.isSmoke) return;
      const capacities: number[] = [];
      for (let nth = 0; nth < 3; nth += 1)
        capacities.push((await endToEnd(stage, "bullmq", 60_000)).figures["perSecond"] ?? 0);
      perSecond = BUSY_SHARE * median(capacities);
      console.error(
        `pickup-p99-busy: ${Math.round(perSecond)} jobs/s, ¾ of what bare BullMQ does end to end`,
      );
    },
    take: (stage, system) => pickUp(stage, system, perSecond, stage.isSmoke ? 0.5 : 5),
  };
}

async function pickUp(stage: Stage, system: System, perSecond: number, seconds: number): Promise<Sample> {
  await stage.empty();
  const jobs = Math.ceil(perSecond * seconds);
  const work: WorkOf<"pick-up"> = {
    kind: "pick-up",
    concurrency: 50,
    perSecond,
    burst: stage.isSmoke ? 100 : AT_WORK,
    warm: Math.ceil(jobs / 4),
    jobs,
  };
  return await stage.sample(system, stage.namespace(system), work);
}
