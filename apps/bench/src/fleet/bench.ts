import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import type { CircuitOptions } from "@understudy/resilience";

import { type Program, startProgram } from "../failover/program.ts";
import { quantile } from "../quantile.ts";
import { held, type Requirement } from "../requirements.ts";
import { type Fleet, hireFleet } from "./crew.ts";
import { loads } from "./load.ts";
import { outage, type Round } from "./outage.ts";
import { type Costs, type Found, report } from "./report.ts";

const PROBE_EVERY_MS = 5000;
const REROUTE_MS = 250;
const COST_US = 1000;

interface Size {
  readonly workersEach: number;
  readonly rounds: number;
  /** How long all is well before each outage: no less than the window, else the last outage is still in it. */
  readonly wellMs: number;
  readonly outageMs: number;
  readonly costMs: number;
  readonly loadMs: number;
  readonly options: Partial<CircuitOptions>;
}

const whole: Size = {
  workersEach: 50,
  rounds: 5,
  wellMs: 2500,
  outageMs: 15_000,
  costMs: 5000,
  loadMs: 15_000,
  options: { windowMs: 2000 },
};
const smoke: Size = {
  workersEach: 6,
  rounds: 1,
  wellMs: 1000,
  outageMs: 1000,
  costMs: 300,
  loadMs: 300,
  options: { windowMs: 2000, openMs: 300, probeEveryMs: 300, rampMs: 50 },
};

/**
 * How quickly 200 workers agree that a provider is dead, what they still ask of it, and what the breaker costs a call (while Redis is
 * well, while it does not answer, and while it is gone) and a process. Half of the workers call nobody until they are told.
 */
export async function fleetBench(isSmoke: boolean): Promise<number> {
  const size = isSmoke ? smoke : whole;
  const dataDir = mkdtempSync(join(tmpdir(), "understudy-bench-"));
  const redis = await startProgram("scripts/redis.ts", {}, (line) => "url" in line, [dataDir]);
  try {
    const load = await loads(String(redis.said["url"]), size.workersEach, size.loadMs);
    const { rounds, costs, workers } = await play(redis, size);
    report({ rounds, costs, load, workers });
    return held("fleet", [...counts(rounds, workers), ...(isSmoke ? [] : times(rounds, costs))]);
  } finally {
    await redis.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

async function play(redis: Program, size: Size): Promise<Pick<Found, "rounds" | "costs" | "workers">> {
  const { workersEach, wellMs, outageMs, costMs, options } = size;
  await using fleet = await hireFleet({
    redis: String(redis.said["url"]),
    namespace: "bench",
    processes: 4,
    workersEach,
    idle: workersEach / 2,
    perSecond: 10,
    options,
  });
  const probeEveryMs = options.probeEveryMs ?? PROBE_EVERY_MS;
  const rounds: Round[] = [];
  while (rounds.length < size.rounds) rounds.push(await outage(fleet, { wellMs, outageMs, probeEveryMs }));
  const costs = await costsOf(fleet, Number(redis.said["pid"]), costMs);
  return { rounds, costs, workers: fleet.workers.length };
}

/** Everybody was told, and nobody asked more than the probes. */
function counts(rounds: readonly Round[], workers: number): readonly Requirement[] {
  return rounds.flatMap(({ agreed, wasted, probesAllowed }, nth) => [
    {
      what: `round ${nth + 1}: all ${workers} workers are told, and not ${agreed}`,
      isMet: agreed === workers,
    },
    {
      what: `round ${nth + 1}: at most ${probesAllowed} calls to the dead provider once open, and not ${wasted}`,
      isMet: wasted <= probesAllowed,
    },
  ]);
}

function times(rounds: readonly Round[], costs: Costs): readonly Requirement[] {
  const rerouted = (who: string, of: (round: Round) => readonly number[]): Requirement => {
    const ms = quantile(rounds.flatMap(of), 0.99);
    return {
      what: `99 % of ${who} reroute within ${REROUTE_MS} ms, and not ${Math.round(ms)}`,
      isMet: ms <= REROUTE_MS,
    };
  };
  return [
    rerouted("those who were told", ({ toldMs }) => toldMs),
    rerouted("all", ({ reroutedMs }) => reroutedMs),
    ...Object.entries(costs).map(([how, us]) => ({
      what: `the breaker costs a call at most ${COST_US} µs (p99) while Redis is ${how}, and not ${Math.round(quantile(us, 0.99))}`,
      isMet: us.length > 0 && quantile(us, 0.99) <= COST_US,
    })),
  ];
}

async function costsOf(fleet: Fleet, redisPid: number, ms: number): Promise<Costs> {
  const spend = async (): Promise<readonly number[]> => {
    await sleep(Math.min(ms, 500));
    await fleet.report();
    await sleep(ms);
    return (await fleet.report()).costUs;
  };
  const well = await spend();
  process.kill(redisPid, "SIGSTOP");
  const silent = await spend();
  process.kill(redisPid, "SIGCONT");
  process.kill(redisPid, "SIGKILL");
  return { well, silent, gone: await spend() };
}
