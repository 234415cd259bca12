import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { held, type Requirement } from "../requirements.ts";
import { writeCharts } from "./charts.ts";
import { compare } from "./compare.ts";
import { requirementsOf, unmeasured } from "./demands.ts";
import type { BullmqOptions } from "./options.ts";
import { openPeers } from "./peers/scenarios.ts";
import { header, lineOf, machine, rawLineOf } from "./report.ts";
import { scenarios } from "./scenarios/index.ts";
import { Stage } from "./stage.ts";
import type { Result, Scenario } from "./types.ts";

/** Each scenario by its group, and by its rows. */
const namesOf = ({ group, rows }: Scenario): readonly string[] => [group, ...rows.map(({ name }) => name)];

/** What a person may ask for. */
export const bullmqNames: readonly string[] = [...new Set(scenarios.flatMap(namesOf))];

/** The platform beside bare BullMQ. @returns the exit code */
export async function bullmqBench(names: readonly string[], options: BullmqOptions): Promise<number> {
  await using stage = await Stage.open(options.isSmoke);
  console.log(`${await machine(stage)}\n\n${header}`);
  const wanted = scenarios
    .filter((one) => namesOf(one).some((name) => names.includes(name)))
    .filter(({ isWholeOnly }) => !options.isSmoke || isWholeOnly !== true);
  const results: Result[] = [];
  const requirements: Requirement[] = [];
  const runAll = async (scenarios: readonly Scenario[]): Promise<void> => {
    for (const scenario of scenarios) {
      const run = await runOne(scenario, stage, options.rounds).catch((error: unknown) =>
        broken(scenario, error),
      );
      results.push(...run.results);
      requirements.push(...run.requirements);
    }
  };
  await runAll(wanted);
  if (options.peers) await withPeers(stage, runAll);
  if (options.peers) console.log("\nIn the rows of peers, ours is the peer.");
  console.log(`\nOf each round:\n${results.map(rawLineOf).join("\n")}`);
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(results, undefined, 2)}\n`);
  if (options.charts !== undefined) writeCharts(options.charts, results, await machine(stage));
  return held("bullmq", requirements);
}

/** They come and go with a folder of their own. */
async function withPeers(
  stage: Stage,
  runAll: (scenarios: readonly Scenario[]) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "understudy-peers-"));
  try {
    await using peers = await openPeers(stage, folder);
    for (const why of peers.missing) console.log(`| peers | left out: ${why} |`);
    await runAll(peers.scenarios);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Run {
  readonly results: readonly Result[];
  readonly requirements: readonly Requirement[];
}

/** One that cannot be measured does not keep the others from it. */
function broken({ rows }: Scenario, error: unknown): Run {
  const names = rows.map(({ name }) => name).join(", ");
  console.error(error);
  return { results: [], requirements: [{ what: `${names} can be measured`, isMet: false }] };
}

/** The short form holds counts, and no figure. */
async function runOne(scenario: Scenario, stage: Stage, rounds: number): Promise<Run> {
  const { rows } = scenario;
  const hindrance = scenario.hindrance?.(stage);
  if (hindrance !== undefined) {
    for (const { name } of rows) console.log(`| ${name} | left out: this machine ${hindrance} |`);
    return { results: [], requirements: unmeasured(rows, hindrance) };
  }
  const comparison = await compare(scenario, stage, rounds);
  const { results, problems } = comparison;
  for (const [n, result] of results.entries()) console.log(lineOf(result, rows[n], comparison));
  const figures = stage.isSmoke
    ? []
    : results.flatMap((result, n) => (rows[n] === undefined ? [] : requirementsOf(rows[n], result)));
  const counts = problems.map((problem) => ({
    what: `${rows[0]?.name} does each job exactly once (${problem})`,
    isMet: false,
  }));
  return { results, requirements: [...figures, ...counts] };
}
