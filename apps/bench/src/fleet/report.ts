import { cpus } from "node:os";

import { quantile } from "../quantile.ts";
import type { Load } from "./load.ts";
import type { Round } from "./outage.ts";

/** Microseconds that the breaker took for each call, by how Redis was. */
export type Costs = Readonly<Record<"well" | "silent" | "gone", readonly number[]>>;

export interface Found {
  readonly rounds: readonly Round[];
  readonly costs: Costs;
  readonly load: readonly Load[];
  readonly workers: number;
}

export function report({ rounds, costs, load, workers }: Found): void {
  const machine = `${cpus().length} × ${cpus()[0]?.model ?? "?"}`;
  console.log(`fleet: ${workers} workers in 4 processes, half of them make 10 calls/s each, the others none until the circuit opens; ${machine}
${roundsTable(rounds)}

All rounds together: 99 % of ${together(rounds, ({ toldMs }) => toldMs)} who were told, and of all ${together(rounds, ({ reroutedMs }) => reroutedMs)}.

${costsTable(costs)}

${loadTable(load)}`);
}

function roundsTable(rounds: readonly Round[]): string {
  const line = (label: string, of: (round: Round) => number): string => {
    const numbers = rounds.map((round) => Math.round(of(round)));
    return `| ${label} | ${quantile(numbers, 0.5)} | ${numbers.join(", ")} |`;
  };
  return `| | median | raw |
| --- | ---: | --- |
${line("dead provider noticed, ms", ({ detectedMs }) => detectedMs)}
${line("workers that were told, having noticed nothing", ({ toldMs }) => toldMs.length)}
${line("99 % of these reroute after that, ms", ({ toldMs }) => quantile(toldMs, 0.99))}
${line("99 % of all, ms (0: had noticed before)", ({ reroutedMs }) => quantile(reroutedMs, 0.99))}
${line(`calls to the dead provider once open (allowed: ${rounds[0]?.probesAllowed ?? 0})`, ({ wasted }) => wasted)}
${line("provider back until closed, ms", ({ recoveredMs }) => recoveredMs)}`;
}

function together(rounds: readonly Round[], of: (round: Round) => readonly number[]): string {
  const all = rounds.flatMap(of);
  return `${all.length} within ${Math.round(quantile(all, 0.99))} ms`;
}

function costsTable(costs: Costs): string {
  const lines = Object.entries(costs).map(
    ([how, us]) =>
      `| Redis is ${how} | ${quantile(us, 0.5).toFixed(1)} | ${quantile(us, 0.99).toFixed(1)} | ${us.length} |`,
  );
  return `| what the breaker costs a call, µs | p50 | p99 | calls |
| --- | ---: | ---: | ---: |
${lines.join("\n")}`;
}

function loadTable(load: readonly Load[]): string {
  const lines = load.map(({ members, perSecond, lateMs, cpuMs }) => {
    const [p50, p99] = [0.5, 0.99].map((q) => quantile(lateMs, q).toFixed(2));
    return `| ${members} members, ${perSecond} calls/s each | ${p50} | ${p99} | ${cpuMs.toFixed(1)} |`;
  });
  return `| a process with | a turn of its event loop is late, ms: p50 | p99 | processor time, ms a second |
| --- | ---: | ---: | ---: |
${lines.join("\n")}`;
}
