// Usage: npm run bench [-- NAME] [-- --smoke]. Without a name all of them; --smoke is the short form that CI runs.
import { coalescingBench } from "./coalescing.ts";
import { deadLettersBench } from "./dead-letters/bench.ts";
import { failoverBench } from "./failover/command.ts";

const benches: Readonly<Record<string, (isSmoke: boolean) => Promise<number>>> = {
  coalescing: coalescingBench,
  "dead-letters": deadLettersBench,
  failover: (isSmoke) => failoverBench(isSmoke ? ["--jobs", "300", "--only", "ours"] : []),
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
