// Usage: npm run bench [-- NAME] [-- --smoke]. Without a name all of them; --smoke is the short form that CI runs. Ends with 1 when
// something that is required does not hold.
type Bench = (isSmoke: boolean) => Promise<number>;

/** Each is loaded only when it is wanted: one needs a fraction of what all need. */
const benches: Readonly<Record<string, () => Promise<Bench>>> = {
  bulkhead: async () => (await import("./bulkhead.ts")).bulkheadBench,
  coalescing: async () => (await import("./coalescing.ts")).coalescingBench,
  "dead-letters": async () => (await import("./dead-letters/bench.ts")).deadLettersBench,
  fleet: async () => (await import("./fleet/bench.ts")).fleetBench,
  outage: async () => (await import("./outage/bench.ts")).outageBench,
  failover: async () => {
    const { failoverBench } = await import("./failover/command.ts");
    return (isSmoke) => failoverBench(isSmoke ? ["--jobs", "300", "--only", "ours"] : []);
  },
  pace: async () => (await import("./pace/bench.ts")).paceBench,
  "retry-budget": async () => (await import("./pace/herd.ts")).retryBudgetBench,
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
  const bench = await benches[name]?.();
  const status = await bench?.(isSmoke);
  if (status !== 0) process.exitCode = status ?? 1;
}
