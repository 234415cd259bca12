import { writeFileSync } from "node:fs";
import { join } from "node:path";

import type { Gate } from "@understudy/core";
import {
  createCircuitBreaker,
  createRateLimiter,
  createRetryBudget,
  type Limit,
} from "@understudy/resilience";

import { held, type Requirement } from "../requirements.ts";
import { herdChart } from "./herd-chart.ts";
import { gatedWay, type Herd, plainWay, simulate, type Way, type World } from "./herd-world.ts";

const SEED = 4711;
const chartFile = join(import.meta.dirname, "../../../../docs/retry-budget.svg");

const full: World = {
  arrivalsPerSecond: 1000,
  healthySeconds: 60,
  outageSeconds: 600,
  recoverySeconds: 1800,
  capacityPerSecond: 1500,
  slots: 200,
  // Enough attempts for nearly all to live through the outage: what dies early swells no herd.
  retry: { attempts: 20, baseMs: 1000, maxMs: 300_000 },
};

const small: World = {
  ...full,
  arrivalsPerSecond: 200,
  healthySeconds: 5,
  outageSeconds: 15,
  recoverySeconds: 20,
  capacityPerSecond: 300,
  slots: 40,
};

export interface Told {
  readonly name: string;
  readonly herd: Herd;
}

/**
 * A provider, alone on its route, dies for ten minutes and comes back with half as much again as it needs: how many calls reach it,
 * with plain back-off and with our gates. In virtual time, by one seed.
 */
export async function retryBudgetBench(isSmoke: boolean): Promise<number> {
  const world = isSmoke ? small : full;
  const told = ways(world).map(({ name, way }) => run(name, world, way));
  report(told, world);
  if (!isSmoke) writeFileSync(chartFile, herdChart(told, world));
  const [plain, ...ours] = told;
  const wasted = plain?.herd.wastedInOutage ?? 0;
  return held(
    "retry-budget",
    ours.flatMap((one) => requirements(one, wasted, isSmoke)),
  );
}

function requirements({ name, herd }: Told, plainWasted: number, isSmoke: boolean): readonly Requirement[] {
  const { dead, wastedInOutage, goneAfterSeconds } = herd;
  return [
    { what: `${name}: no dead jobs, and not ${dead}`, isMet: dead === 0 },
    {
      what: `${name}: less than a tenth of the ${plainWasted} calls that plain back-off wastes, and not ${wastedInOutage}`,
      isMet: wastedInOutage < plainWasted / 10,
    },
    // The small world is over before a backlog could be gone.
    { what: `${name}: the backlog is gone in the end`, isMet: isSmoke || goneAfterSeconds !== undefined },
  ];
}

type MakeWay = (now: () => number, random: () => number) => Way;

function ways({
  retry,
  capacityPerSecond,
}: World): readonly { readonly name: string; readonly way: MakeWay }[] {
  const gates = (now: () => number, random: () => number, limits: readonly Limit[]): readonly Gate[] => [
    createCircuitBreaker({ now }),
    createRetryBudget({ now, random }),
    createRateLimiter({ now, limits }),
  ];
  const limit = { calls: capacityPerSecond, perMs: 1000 };
  return [
    { name: "plain back-off", way: (_, random) => plainWay(retry, random) },
    {
      name: "circuit and retry budget",
      way: (now, random) => gatedWay(gates(now, random, []), retry, random),
    },
    {
      name: "and the account's limit",
      way: (now, random) => gatedWay(gates(now, random, [limit]), retry, random),
    },
  ];
}

function run(name: string, world: World, make: MakeWay): Told {
  const clock = { now: 1_000_000_000 };
  const random = createRandom(SEED);
  return {
    name,
    herd: simulate(
      world,
      clock,
      make(() => clock.now, random),
      random,
    ),
  };
}

/** mulberry32, in [0, 1). */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function report(
  told: readonly Told[],
  { arrivalsPerSecond, outageSeconds, capacityPerSecond, slots }: World,
): void {
  const lines = told.map(
    ({ name, herd }) =>
      `| ${name} | ${herd.wastedInOutage} | ${herd.peakAfter} | ${herd.refusedAfter} | ${herd.goneAfterSeconds ?? "not"} | ${herd.delivered} | ${herd.dead} | ${herd.starts} |`,
  );
  console.log(`retry-budget: ${arrivalsPerSecond} jobs/s, out for ${outageSeconds} s, back with ${capacityPerSecond}/s; ${slots} slots, seed ${SEED}, virtual time
| | calls wasted in the outage | peak calls/s after | refused after | backlog gone after s | delivered | dead | starts |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
${lines.join("\n")}`);
}
