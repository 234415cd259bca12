// Usage: node apps/bench/src/bullmq/sample.ts ORDER. One measurement in a fresh process; ORDER is JSON. Says what came of it in its last line.
import type { Order, Sample, Work, WorkOf } from "./types.ts";

type Samplers = {
  readonly [Kind in Work["kind"]]: () => Promise<(order: Order<WorkOf<Kind>>) => Promise<Sample>>;
};

/** Each process loads what it measures, and nothing else. */
const samplers: Samplers = {
  enqueue: async () => (await import("./samples/enqueue.ts")).sampleEnqueue,
  process: async () => (await import("./samples/process.ts")).sampleProcess,
  call: async () => (await import("./samples/call.ts")).sampleCall,
  "end-to-end": async () => (await import("./samples/end-to-end.ts")).sampleEndToEnd,
  "pick-up": async () => (await import("./samples/pick-up.ts")).samplePickUp,
  backlog: async () => (await import("./samples/backlog.ts")).sampleBacklog,
};

const order = JSON.parse(process.argv[2] ?? "") as Order;
const sampler = (await samplers[order.work.kind]()) as (order: Order) => Promise<Sample>;
const sample = await sampler(order);
const { user, system } = process.cpuUsage();
console.log(JSON.stringify({ ...sample, cpuMs: (user + system) / 1000 }));
// Whatever a system has left open is not waited for.
process.exit(0);
