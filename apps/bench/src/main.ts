// Usage: npm run bench [-- NAME] [-- --smoke]. Without a name all of them; --smoke is the short form that CI runs.
import { bulkheadBench } from "./bulkhead.ts";
import { coalescingBench } from "./coalescing.ts";
import { deadLettersBench } from "./dead-letters/bench.ts";
import { failoverBench } from "./failover/command.ts";
import { fleetBench } from "./fleet/bench.ts";
import { outageBench } from "./outage/bench.ts";
import { paceBench } from "./pace/bench.ts";
import { retryBudgetBench } from "./pace/herd.ts";

const benches: Readonly<Record<string, (isSmoke: boolean) => Promise<number>>> = {
  bulkhead: bulkheadBench,
  coalescing: coalescingBench,
  "dead-letters": deadLettersBench,
  fleet: fleetBench,
  outage: outageBench,
  failover: (isSmoke) => failoverBench(isSmoke ? ["--jobs", "300", "--only", "ours"] : []),
  pace: paceBench,
  "retry-budget": retryBudgetBench,
};

const words = process.argv.slice(2);
const isSmoke = words.includes("--smoke");
const wanted = words.filter((word) => !word.startsWith("--"));
const names = wanted.length > 0 ? wanted : Object.keys(benches);
const unknown = names.filter((name) => benches[name] === undefined);
if (unknown.length > 0) {
  console.error(`There is no bench ${unknown.join(", ")}. There are: ${Object.keys(benches).join(", ")}.`);
  process.exit(2);
}
for (const name of names) {
  const status = await benches[name]?.(isSmoke);
  if (status !== 0) process.exitCode = status ?? 1;
}
