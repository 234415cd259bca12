import { placeOf, waitingIn } from "../places.ts";
import { mail } from "../subjects.ts";
import type { Order, Sample, WorkOf } from "../types.ts";
import { clock } from "./measure.ts";
import { connected, openProducer, produce } from "./producer.ts";

/** Callers that each wait for their own answer; what Redis holds afterwards is what was asked for. */
export async function sampleEnqueue(order: Order<WorkOf<"enqueue">>): Promise<Sample> {
  const { system, namespace, work } = order;
  const redis = await connected(order.redis);
  const producer = await openProducer(order, work.load);
  await produce(producer, { callers: 100, bulk: 1 }, 0, work.burst);
  await produce(producer, work, work.burst, work.warm);
  const stop = await clock(redis);
  await produce(producer, work, work.burst + work.warm, work.jobs);
  const { perSecond, ...cpu } = await stop(work.jobs);
  const asked = work.burst + work.warm + work.jobs;
  const stored = await waitingIn(redis, placeOf(system, namespace, mail.job));
  const problems = stored === asked ? [] : [`${stored} jobs are in Redis, and ${asked} were enqueued`];
  return { figures: { perSecond }, ...cpu, problems };
}
