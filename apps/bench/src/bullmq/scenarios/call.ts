import { fill } from "../fill.ts";
import type { Stage } from "../stage.ts";
import { event } from "../subjects.ts";
import type { Scenario, System, WorkOf } from "../types.ts";
import { AT_WORK } from "../warm.ts";

interface Way {
  readonly name: string;
  readonly http: "fetch" | "undici";
  readonly jobs: number;
  readonly awayMs: number;
  readonly concurrency: number;
  readonly atLeast?: number;
}

const ways: readonly Way[] = [
  { name: "call-vs-fetch", http: "fetch", jobs: 12_000, awayMs: 0, concurrency: 50, atLeast: 3 },
  { name: "call-vs-undici", http: "undici", jobs: 24_000, awayMs: 0, concurrency: 50, atLeast: 1.1 },
  { name: "call-20ms-vs-fetch", http: "fetch", jobs: 12_000, awayMs: 20, concurrency: 200 },
  { name: "call-20ms-vs-undici", http: "undici", jobs: 12_000, awayMs: 20, concurrency: 200 },
];

/** A provider on loopback through the whole runtime, beside a Worker that makes the same request itself. */
export const callScenarios: readonly Scenario[] = ways.map(
  ({ name, http, jobs: many, awayMs, concurrency, atLeast }) => ({
    group: "call",
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
      const namespace = stage.namespace(system);
      const jobs = stage.isSmoke ? 200 : many;
      // They take several times as long as others.
      const warm = stage.isSmoke ? Math.ceil(jobs / 4) : AT_WORK / 2;
      const vendor = `${await vendorOf(stage, system)}/${awayMs}`;
      await fill(stage, { system, namespace, subject: event, count: warm + jobs });
      const work: WorkOf<"call"> = { kind: "call", concurrency, http, vendor, warm, jobs };
      return await stage.sample(system, namespace, work);
    },
  }),
);

const vendors = new WeakMap<Stage, Map<System, Promise<string>>>();

/** One for all samples of a system. */
async function vendorOf(stage: Stage, system: System): Promise<string> {
  const known = vendors.get(stage) ?? new Map<System, Promise<string>>();
  vendors.set(stage, known);
  const vendor =
    known.get(system) ??
    stage.start("apps/bench/src/bullmq/vendor.ts").then(({ said }) => String(said["url"]));
  known.set(system, vendor);
  return await vendor;
}
