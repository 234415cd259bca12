import { countQueue, readCounts, readLastErrors } from "@understudy/queue";

import { type Context, familiesOf, workersOf } from "./context.ts";
import type { ProviderView, QueueView } from "./views.ts";

const MINUTE = 60_000;
const WINDOW_MS = 5 * MINUTE;

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

export async function viewProviders(context: Context): Promise<readonly ProviderView[]> {
  const { ask, namespace, now } = context;
  const [workers, counts, errors] = await Promise.all([
    workersOf(context),
    ask((redis) => readCounts(redis, namespace, { windowMs: WINDOW_MS, now: now() })),
    ask((redis) => readLastErrors(redis, namespace)),
  ]);
  const calls = counts.flatMap(({ of, count }) => (of.what === "call" ? [{ ...of, count }] : []));
  const routed = workers.flatMap(({ routes }) =>
    Object.entries(routes).flatMap(([capability, names]) =>
      names.map((provider) => ({ provider, capability })),
    ),
  );
  const names = [...new Set([...routed, ...calls].map(({ provider }) => provider))].toSorted();
  return names.map((provider) => {
    const own = calls.filter((call) => call.provider === provider);
    const sum = (...kinds: readonly string[]): number =>
      own.filter(({ kind }) => kinds.includes(kind)).reduce((total, { count }) => total + count, 0);
    const lastError = errors.find((error) => error.provider === provider);
    return {
      provider,
      capabilities: [
        ...new Set(
          [...routed, ...own].filter((one) => one.provider === provider).map(({ capability }) => capability),
        ),
      ].toSorted(),
      windowMs: WINDOW_MS,
      calls: sum("delivered", "rejected", "unavailable", "throttled", "ambiguous"),
      errors: sum("unavailable"),
      unknown: sum("ambiguous"),
      throttled: sum("throttled"),
      withheld: sum("withheld"),
      openCircuits: workers.filter(({ circuits }) =>
        Object.keys(circuits).some((name) => name.startsWith(`${provider} `)),
      ).length,
      ...(lastError === undefined ? {} : { lastError: { code: lastError.code, at: lastError.at } }),
    };
  });
}
