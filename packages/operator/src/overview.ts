import { countQueue, readCounts } from "@understudy/queue";

import { type Context, familiesOf, workersOf } from "./context.ts";
import type { QueueView } from "./views.ts";

const MINUTE = 60_000;

export async function viewQueues(context: Context): Promise<readonly QueueView[]> {
  const { ask, namespace, now } = context;
  const at = now();
  const [families, workers, counts] = await Promise.all([
    familiesOf(context),
    workersOf(context),
    ask((redis) => readCounts(redis, namespace, { windowMs: 2 * MINUTE, now: at })),
  ]);
  return await Promise.all(
    families.map(async (family) => {
      const { oldestWaitingAt, oldestDeadAt, ...queue } = await ask((redis) => countQueue(redis, family));
      const settled = counts.filter(
        ({ of }) =>
          of.what === "settled" &&
          of.queue === family.name &&
          (of.verdict === "complete" || of.verdict === "dead_letter"),
      );
      // The window is the minute before this one and as much of this one as has gone by.
      const seconds = (MINUTE + (at % MINUTE)) / 1000;
      const perSecond = settled.reduce((sum, { count }) => sum + count, 0) / seconds;
      return {
        name: family.name,
        ...queue,
        ...(oldestWaitingAt === undefined ? {} : { oldestWaitingMs: Math.max(0, at - oldestWaitingAt) }),
        ...(oldestDeadAt === undefined ? {} : { oldestDeadMs: Math.max(0, at - oldestDeadAt) }),
        perSecond,
        ...(queue.waiting === 0
          ? { drainMs: 0 }
          : perSecond > 0
            ? { drainMs: (queue.waiting / perSecond) * 1000 }
            : {}),
        workers: workers.filter(({ queues }) => queues.includes(family.name)).length,
      };
    }),
  );
}
