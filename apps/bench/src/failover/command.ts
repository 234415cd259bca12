// Usage: npm run failover-bench [-- --jobs N --seed S --only ours,naive,symfony --json FILE --svg FILE]
import { writeFileSync } from "node:fs";

import { type Options, readOptions, usage } from "./options.ts";
import { chart, failuresOf, type Results, table } from "./report.ts";
import { runSystem } from "./run.ts";

/** @returns the exit status: 1 when ours did what must never be done */
export async function failoverBench(args: readonly string[]): Promise<number> {
  let options: Options;
  try {
    options = readOptions(args);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
    return 2;
  }
  const { jobs, seed, systems, json, svg } = options;
  console.log(
    `failover bench: ${jobs} charges and ${jobs} mails through each of ${systems.join(", ")}; seed ${seed}`,
  );
  const results: Partial<Record<(typeof systems)[number], Awaited<ReturnType<typeof runSystem>>>> = {};
  for (const name of systems) {
    results[name] = await runSystem(name, options, (line) => console.log(`  ${line}`));
    console.log(`${name}: ${JSON.stringify(results[name])}`);
  }
  console.log(`\n${table(results)}\n`);
  write(json, `${JSON.stringify(results, null, 2)}\n`);
  write(
    svg,
    chart(results, `${jobs} charges and ${jobs} mails each, seed ${seed}, counted at the providers`),
  );
  return verdictOn(results);
}

function verdictOn({ ours }: Results): number {
  const failures = ours === undefined ? [] : failuresOf(ours);
  for (const failure of failures) console.error(`Ours must not: ${failure}`);
  return failures.length === 0 ? 0 : 1;
}

function write(file: string | undefined, text: string): void {
  if (file === undefined) return;
  writeFileSync(file, text);
  console.log(`wrote ${file}`);
}
