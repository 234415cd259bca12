// Usage: node apps/bench/src/bullmq/peers/sample.ts ORDER. As sample.ts, of another queue than BullMQ.
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { produce, type Producer } from "../samples/producer.ts";
import { Progress } from "../samples/progress.ts";
import { mail, numberOfMail, Tally } from "../subjects.ts";
import type { Sample } from "../types.ts";
import { openPeer } from "./queues.ts";
import type { PeerOrder, PeerQueue } from "./types.ts";

const CONCURRENCY = 50;

const order = JSON.parse(process.argv[2] ?? "") as PeerOrder;
const { resolve } = createRequire(join(order.folder, "package.json"));
const queue = await openPeer[order.peer]((name) => import(pathToFileURL(resolve(name)).href), order.url);
const sample = order.kind === "process" ? await work(queue, order) : await enqueue(queue, order);
const { user, system } = process.cpuUsage();
console.log(JSON.stringify({ ...sample, cpuMs: (user + system) / 1000 }));
process.exit(0);

async function enqueue(queue: PeerQueue, { kind, warm, jobs }: PeerOrder): Promise<Sample> {
  const payload = (n: number): object => mail.payloadOf(n) as object;
  const producer: Producer = {
    add: (n) => queue.add(payload(n)),
    addMany: (numbers) => queue.addMany(numbers.map(payload)),
    close: () => Promise.resolve(),
  };
  const callers = kind === "fill" ? { callers: 2, bulk: 500 } : { callers: 100, bulk: 1 };
  await produce(producer, callers, 0, warm);
  const stop = clock();
  await produce(producer, callers, warm, jobs);
  return { ...stop(jobs), problems: [] };
}

/** Counts what the handler was given, for not all of them say what has been stored of it. */
async function work(queue: PeerQueue, { warm, jobs }: PeerOrder): Promise<Sample> {
  const tally = new Tally(warm + jobs);
  const progress = new Progress();
  await queue.work(CONCURRENCY, (payload) => {
    tally.count(numberOfMail((payload as { readonly to: string }).to));
    progress.done();
  });
  await progress.reached(warm);
  const stop = clock();
  const before = progress.count;
  await progress.reached(warm + jobs);
  return { ...stop(warm + jobs - before), problems: tally.problems() };
}

function clock(): (jobs: number) => Pick<Sample, "figures" | "clientUs"> {
  const cpuBefore = process.cpuUsage();
  const began = performance.now();
  return (jobs) => {
    const seconds = (performance.now() - began) / 1000;
    const { user, system } = process.cpuUsage(cpuBefore);
    return { figures: { perSecond: jobs / seconds }, clientUs: (user + system) / jobs };
  };
}
