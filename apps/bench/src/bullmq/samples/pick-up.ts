import { setTimeout as sleep } from "node:timers/promises";

import { quantile } from "../../quantile.ts";
import { Tally } from "../subjects.ts";
import type { Order, Sample, WorkOf } from "../types.ts";
import { openProducer, type Producer } from "./producer.ts";
import { Progress } from "./progress.ts";
import { startIdleWorker } from "./workers.ts";

/** A steady load: milliseconds from before a job is enqueued until the adapter, or the processor, has it. */
export async function samplePickUp(order: Order<WorkOf<"pick-up">>): Promise<Sample> {
  const { burst, warm, jobs, concurrency, perSecond } = order.work;
  const total = burst + warm + jobs;
  const tally = new Tally(total);
  const progress = new Progress();
  const asked = new Float64Array(total);
  const waitedMs = new Float64Array(total);
  const begun = (n: number): void => {
    waitedMs[n] = performance.now() - (asked[n] ?? 0);
    tally.count(n);
  };
  const worker = startIdleWorker(order, concurrency, { begun, done: progress.done });
  const producer = await openProducer(order, "plain");
  // The first one comes to a worker that is up.
  await sleep(200);
  await hurry(producer, burst);
  await progress.reached(burst);
  const failed = await keepAsking(producer, perSecond, asked, burst);
  await progress.reached(total - failed);
  await worker.close();
  const measured = [...waitedMs.subarray(burst + warm)];
  return {
    figures: { p50Ms: quantile(measured, 0.5), p99Ms: quantile(measured, 0.99) },
    problems: [...tally.problems(), ...(failed === 0 ? [] : [`${failed} enqueues failed`])],
  };
}

const CALLERS = 50;

/** Adds the first `count` as quickly as it can: programs that have been at work for a while are what most jobs meet. */
async function hurry(producer: Producer, count: number): Promise<void> {
  let next = 0;
  const call = async (): Promise<void> => {
    while (next < count) await producer.add(next++);
  };
  await Promise.all(Array.from({ length: CALLERS }, call));
}

/**
 * Adds those from `from` on.
 * @returns how many were not taken
 */
async function keepAsking(
  producer: Producer,
  perSecond: number,
  asked: Float64Array,
  from: number,
): Promise<number> {
  const adding: Promise<unknown>[] = [];
  const count = asked.length - from;
  const began = performance.now();
  while (adding.length < count) {
    const due = from + Math.min(count, 1 + Math.floor(((performance.now() - began) * perSecond) / 1000));
    for (let n = from + adding.length; n < due; n += 1) {
      asked[n] = performance.now();
      adding.push(producer.add(n));
    }
    await sleep(1);
  }
  return (await Promise.allSettled(adding)).filter(({ status }) => status === "rejected").length;
}
