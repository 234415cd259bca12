import { Tally } from "../subjects.ts";
import type { Order, Sample, WorkOf } from "../types.ts";
import { clock } from "./measure.ts";
import { connected } from "./producer.ts";
import { Progress } from "./progress.ts";
import { startIdleWorker } from "./workers.ts";

/** Works off what was filled in before; the clock starts once the first of it is done. */
export async function sampleProcess(order: Order<WorkOf<"process">>): Promise<Sample> {
  const { warm, jobs, concurrency, isTraced } = order.work;
  // Who does not trace does not load an SDK.
  if (isTraced) (await import("../tracing.ts")).startTracing();
  const redis = await connected(order.redis);
  const tally = new Tally(warm + jobs);
  const progress = new Progress();
  const worker = startIdleWorker(order, concurrency, { begun: (n) => tally.count(n), done: progress.done });
  await progress.reached(warm);
  const stop = await clock(redis);
  const before = progress.count;
  await progress.reached(warm + jobs);
  const { perSecond, ...cpu } = await stop(warm + jobs - before);
  const rssMiB = process.memoryUsage.rss() / 2 ** 20;
  await worker.close();
  return { figures: { perSecond, rssMiB }, ...cpu, problems: tally.problems() };
}
