import { Tally } from "../subjects.ts";
import type { Order, Sample, WorkOf } from "../types.ts";
import { clock } from "./measure.ts";
import { connected, openProducer, produce } from "./producer.ts";
import { Progress } from "./progress.ts";
import { startIdleWorker } from "./workers.ts";

/** A producer and a worker at the same time, in one process. */
export async function sampleEndToEnd(order: Order<WorkOf<"end-to-end">>): Promise<Sample> {
  const { warm, jobs, callers, concurrency } = order.work;
  const redis = await connected(order.redis);
  const tally = new Tally(warm + jobs);
  const progress = new Progress();
  const worker = startIdleWorker(order, concurrency, { begun: (n) => tally.count(n), done: progress.done });
  const producer = await openProducer(order, "plain");
  await produce(producer, { callers, bulk: 1 }, 0, warm);
  await progress.reached(warm);
  const stop = await clock(redis);
  await produce(producer, { callers, bulk: 1 }, warm, jobs);
  await progress.reached(warm + jobs);
  const { perSecond, ...cpu } = await stop(jobs);
  await worker.close();
  return { figures: { perSecond }, ...cpu, problems: tally.problems() };
}
