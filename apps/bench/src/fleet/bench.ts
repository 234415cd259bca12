import { mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { startProgram } from "../failover/program.ts";
import { until } from "../failover/until.ts";
import { type Fleet, hireFleet } from "./crew.ts";

const PROBE_EVERY_MS = 5000;
const SETTLE_MS = 60_000;

interface Round {
  /** Milliseconds from the moment the circuit opened for all until each worker asked no more. */
  readonly reroutedMs: readonly number[];
  readonly detectedMs: number;
  readonly wasted: number;
  readonly probesAllowed: number;
  readonly recoveredMs: number;
}

/**
 * How quickly 200 workers agree that a provider is dead, what they still ask of it, and what the breaker costs a call: while Redis is
 * well, while it does not answer, and while it is gone.
 */
export async function fleetBench(isSmoke: boolean): Promise<number> {
  const { workersEach, rounds, outageMs } = isSmoke
    ? { workersEach: 5, rounds: 1, outageMs: 1000 }
    : { workersEach: 50, rounds: 5, outageMs: 15_000 };
  const dataDir = mkdtempSync(join(tmpdir(), "understudy-bench-"));
  const redis = await startProgram("scripts/redis.ts", {}, (line) => "url" in line, [dataDir]);
  const options = { windowMs: 2000, ...(isSmoke ? { openMs: 300, probeEveryMs: 300, rampMs: 50 } : {}) };
  const results: Round[] = [];
  try {
    await using fleet = await hireFleet({
      redis: String(redis.said["url"]),
      namespace: "bench",
      processes: 4,
      workersEach,
      perSecond: 10,
      options,
    });
    for (let round = 0; round < rounds; round += 1)
      results.push(await outage(fleet, outageMs, options.probeEveryMs ?? PROBE_EVERY_MS));
    const costs = await costsOf(fleet, Number(redis.said["pid"]), isSmoke ? 300 : 5000);
    report(results, costs, fleet.workers.length);
    return results.every((round) => isRight(round, fleet.workers.length)) ? 0 : 1;
  } finally {
    await redis.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

/** Everybody was told, and nobody asked more than the probes. */
function isRight({ reroutedMs, wasted, probesAllowed }: Round, workers: number): boolean {
  return reroutedMs.length === workers && wasted <= probesAllowed;
}

async function outage(fleet: Fleet, outageMs: number, probeEveryMs: number): Promise<Round> {
  await sleep(2500);
  fleet.moved.length = 0;
  fleet.changed.length = 0;
  const died = Date.now();
  fleet.answer("fail");
  const isOpen = (): Promise<boolean> => Promise.resolve(fleet.changed.some(({ to }) => to === "open"));
  await until("the circuit is open for all", isOpen, SETTLE_MS);
  const opened = fleet.changed.find(({ to }) => to === "open")?.at ?? 0;
  const rerouted = (): ReadonlyMap<string, number> => {
    const first = new Map<string, number>();
    for (const { worker, to, at } of fleet.moved)
      if (to !== "closed" && !first.has(worker)) first.set(worker, at);
    return first;
  };
  const doAllKnow = (): Promise<boolean> => Promise.resolve(rerouted().size === fleet.workers.length);
  await until("every worker knows", doAllKnow, SETTLE_MS);
  await fleet.report();
  await sleep(outageMs);
  const { made: wasted } = await fleet.report();
  fleet.answer("ok");
  const back = Date.now();
  const isClosed = (): Promise<boolean> => Promise.resolve(fleet.changed.at(-1)?.to === "closed");
  await until("it is closed again", isClosed, SETTLE_MS * 2);
  return {
    reroutedMs: [...rerouted().values()].map((at) => Math.max(0, at - opened)),
    detectedMs: opened - died,
    wasted,
    probesAllowed: Math.ceil(outageMs / probeEveryMs) + 1,
    recoveredMs: (fleet.changed.at(-1)?.at ?? 0) - back,
  };
}

type Costs = Readonly<Record<"well" | "silent" | "gone", readonly number[]>>;

async function costsOf(fleet: Fleet, redisPid: number, ms: number): Promise<Costs> {
  const spend = async (): Promise<readonly number[]> => {
    await sleep(500);
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

function report(rounds: readonly Round[], costs: Costs, workers: number): void {
  const all = rounds.flatMap(({ reroutedMs }) => reroutedMs);
  const raw = (of: (round: Round) => number): string =>
    rounds.map((round) => Math.round(of(round))).join(", ");
  const median = (of: (round: Round) => number): number => quantile(rounds.map(of), 0.5);
  console.log(`fleet: ${workers} workers in 4 processes, 10 calls/s each; ${cpus().length} × ${cpus()[0]?.model ?? "?"}
| | median | raw |
| --- | ---: | --- |
| dead provider noticed, ms | ${Math.round(median(({ detectedMs }) => detectedMs))} | ${raw(({ detectedMs }) => detectedMs)} |
| 99 % of workers reroute after that, ms | ${Math.round(median(({ reroutedMs }) => quantile(reroutedMs, 0.99)))} | ${raw(({ reroutedMs }) => quantile(reroutedMs, 0.99))} |
| calls to the dead provider once open | ${median(({ wasted }) => wasted)} | ${raw(({ wasted }) => wasted)} (allowed: ${rounds[0]?.probesAllowed ?? 0}) |
| provider back until closed, ms | ${Math.round(median(({ recoveredMs }) => recoveredMs))} | ${raw(({ recoveredMs }) => recoveredMs)} |

All rounds together: 99 % of ${all.length} within ${Math.round(quantile(all, 0.99))} ms.

| what the breaker costs a call, µs | p50 | p99 | calls |
| --- | ---: | ---: | ---: |
${Object.entries(costs)
  .map(
    ([how, us]) =>
      `| Redis is ${how} | ${quantile(us, 0.5).toFixed(1)} | ${quantile(us, 0.99).toFixed(1)} | ${us.length} |`,
  )
  .join("\n")}`);
}

function quantile(numbers: readonly number[], q: number): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0;
}
