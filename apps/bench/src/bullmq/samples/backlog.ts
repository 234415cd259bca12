import type { Redis } from "@understudy/queue";

import { keyIn, type Place, placeOf, waitingIn } from "../places.ts";
import { mail } from "../subjects.ts";
import type { Order, Sample, WorkOf } from "../types.ts";
import { clock, type Measured } from "./measure.ts";
import { connected, openProducer, produce } from "./producer.ts";
import { Progress } from "./progress.ts";
import { startIdleWorker } from "./workers.ts";

type BacklogOrder = Order<WorkOf<"backlog">>;

/** Enqueues a slice on top of what stands there, and works off as many: what stands there is what stood there. */
export async function sampleBacklog(order: BacklogOrder): Promise<Sample> {
  const { warm, jobs, load } = order.work;
  const redis = await connected(order.redis);
  const place = placeOf(order.system, order.namespace, mail.job);
  const stood = await waitingIn(redis, place);
  const enqueued = await enqueueSlice(order, redis);
  const piled = await waitingIn(redis, place);
  const problems =
    piled === stood + warm + jobs ? [] : [`${piled - stood} of ${warm + jobs} jobs are in Redis`];
  if (load === "delayed") {
    await removeNewest(redis, place, warm + jobs);
    const { perSecond, ...cpu } = enqueued;
    return { figures: { perSecond }, ...cpu, problems };
  }
  const { processed, twice } = await processSlice(order, redis);
  return {
    // Both halves, one after the other.
    figures: { perSecond: 1 / (1 / enqueued.perSecond + 1 / processed.perSecond) },
    clientUs: (enqueued.clientUs ?? 0) + (processed.clientUs ?? 0),
    redisUs: (enqueued.redisUs ?? 0) + (processed.redisUs ?? 0),
    problems: twice === 0 ? problems : [...problems, `${twice} jobs were done twice`],
  };
}

async function enqueueSlice(order: BacklogOrder, redis: Redis): Promise<Measured> {
  const { warm, jobs, load, from } = order.work;
  const producer = await openProducer(order, load);
  const inBulk = { callers: 2, bulk: 500 };
  await produce(producer, inBulk, from, warm);
  const stop = await clock(redis);
  await produce(producer, inBulk, from + warm, jobs);
  const measured = await stop(jobs);
  await producer.close();
  return measured;
}

async function processSlice(
  order: BacklogOrder,
  redis: Redis,
): Promise<{ readonly processed: Measured; readonly twice: number }> {
  const { warm, jobs, concurrency } = order.work;
  const progress = new Progress();
  const seen = new Set<number>();
  let twice = 0;
  const begun = (n: number): void => {
    if (seen.has(n)) twice += 1;
    seen.add(n);
  };
  const worker = startIdleWorker(order, concurrency, { begun, done: progress.done });
  await progress.reached(warm);
  const stop = await clock(redis);
  const before = progress.count;
  await progress.reached(warm + jobs);
  const processed = await stop(warm + jobs - before);
  await worker.close();
  return { processed, twice };
}

/** Nobody works off what is due tomorrow; the next sample is to find what this one found. */
async function removeNewest(redis: Redis, place: Place, count: number): Promise<void> {
  const ids = await redis.zrevrange(keyIn(place, "delayed"), 0, count - 1);
  for (let start = 0; start < ids.length; start += 1000) {
    const some = ids.slice(start, start + 1000);
    await redis.zrem(keyIn(place, "delayed"), ...some);
    await redis.unlink(...some.map((id) => keyIn(place, id)));
  }
}
