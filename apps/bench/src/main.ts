// Usage: npm run bench [-- NAME…] [-- --smoke] [--rounds N] [--json FILE] [--charts DIR] [--peers]. Without a name all of them; --smoke is
// the short form that CI runs. The rest is for those that compare with bare BullMQ: how many rounds, and where figures and charts go.
// Ends with 1 when something that is required does not hold.
import { readOptions } from "./bullmq/options.ts";

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

const { names, options } = words();
// Together, for their results are one file.
const compared = names.filter((name) => benches[name] === undefined);
if (names.length === 0 || compared.length > 0) {
  const { bullmqBench, bullmqNames } = await import("./bullmq/bench.ts");
  const unknown = compared.filter((name) => !bullmqNames.includes(name));
  if (unknown.length > 0)
    refuse(
      `There is no bench ${unknown.join(", ")}. There are: ${[...Object.keys(benches), ...bullmqNames].join(", ")}.`,
    );
  note(await bullmqBench(names.length === 0 ? bullmqNames : compared, options));
}
for (const name of names.length === 0 ? Object.keys(benches) : names) {
  const bench = await benches[name]?.();
  if (bench !== undefined) note(await bench(options.isSmoke));
}

function words(): ReturnType<typeof readOptions> {
  try {
    return readOptions(process.argv.slice(2));
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error));
  }
}

function note(status: number): void {
  if (status !== 0) process.exitCode = status;
}

function refuse(why: string): never {
  console.error(why);
  process.exit(2);
}
