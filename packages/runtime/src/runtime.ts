import { asError, type AnyJob, UnderstudyError } from "@understudy/core";
import { openDeadLetters } from "@understudy/dead-letters";
import {
  connectWorker,
  type Consumer,
  evictionWarning,
  familyOf,
  type LockOptions,
  onCancel,
  openProducer,
  type Producer,
  type Redis,
  type RedisLocation,
  startConsumer,
} from "@understudy/queue";
import type { Route } from "@understudy/resilience";

import { capacityOf, type Catalogue, createCatalogue, spareOf } from "./catalogue.ts";
import type { Observe } from "./events.ts";
import { runJob } from "./run-job.ts";

export interface RuntimeOptions {
  readonly redis: RedisLocation;
  readonly namespace?: string;
  readonly jobs: readonly AnyJob[];
  readonly routes: readonly Route[];
  /** Which queues this worker serves, and how many of each queue's jobs at once. */
  readonly queues: readonly { readonly name: string; readonly concurrency: number }[];
  readonly locks?: Partial<LockOptions>;
  readonly observe: Observe;
  readonly now?: () => number;
  /** In [0, 1). */
  readonly random?: () => number;
}

export interface Runtime {
  /** Whether Redis answers and every queue is being served. */
  isReady(): boolean;
  /** The ids of the jobs that are being run. */
  running(): readonly string[];
  /**
   * Takes nothing new and lets running calls finish until the deadline; then cuts them. A job whose request had not left
   * goes back without an attempt spent, one cut after sending is of unknown fate.
   */
  close(options: { readonly deadlineMs: number }): Promise<void>;
}

/** How long cut calls may take to be settled. */
const SETTLE_MS = 3000;

/** @throws UnderstudyError config_invalid: a queue without jobs, a job without a route */
export function startRuntime(options: RuntimeOptions): Runtime {
  const catalogue = createCatalogue(
    options.jobs,
    options.routes,
    options.queues.map(({ name }) => name),
  );
  const redis = connectWorker(options.redis);
  redis.on("error", (error: Error) => options.observe({ event: "trouble", queue: "*", error }));
  const producer = openProducer(options.redis);
  const consumers = new Map(
    options.queues.map((queue) => [queue.name, serve(queue, { catalogue, redis, producer }, options)]),
  );
  const cancels = connectWorker(options.redis);
  cancels.on("error", (error: Error) => options.observe({ event: "trouble", queue: "*", error }));
  void listenForCancels(cancels, consumers, options);
  void warnOfEviction(redis, options.observe);
  let closing = false;

  return {
    isReady: () =>
      !closing &&
      redis.status === "ready" &&
      [...consumers.values()].every((consumer) => consumer.isRunning()),
    running: () => [...consumers.values()].flatMap((consumer) => consumer.running()),
    async close(how) {
      closing = true;
      // Without Redis nothing can be settled: what still runs keeps its lock, and is taken up again when that runs out.
      const overdue = setTimeout(() => redis.disconnect(), how.deadlineMs + SETTLE_MS);
      await Promise.all([...consumers.values()].map((consumer) => consumer.close(how)));
      clearTimeout(overdue);
      cancels.disconnect();
      await producer.close();
      redis.disconnect();
    },
  };
}

interface Shared {
  readonly catalogue: Catalogue;
  readonly redis: Redis;
  readonly producer: Producer;
}

function serve(
  { name, concurrency }: RuntimeOptions["queues"][number],
  { catalogue, redis, producer }: Shared,
  options: RuntimeOptions,
): Consumer {
  const { observe, namespace, now = Date.now, random = Math.random } = options;
  const family = familyOf(name, namespace);
  const routes = catalogue.routesOf(name);
  if (routes.length === 0)
    throw new UnderstudyError("config_invalid", `No job uses the queue ${name}. Check the spelling.`);
  const deadLetters = openDeadLetters(redis, family);
  const trouble = (error: unknown): void => {
    observe({ event: "trouble", queue: name, error: asError(error) });
  };
  const context = { redis, producer, family, catalogue, observe, now, random };
  return startConsumer({
    redis,
    family,
    concurrency,
    ...(options.locks === undefined ? {} : { locks: options.locks }),
    process: (fetched, signal) => runJob(fetched, signal, context),
    spare: spareOf(routes) * concurrency,
    capacity: () => capacityOf(routes),
    keepCompletedMs: catalogue.keepCompletedMs(name),
    // What could not be moved stays in the failed set, from where anybody can move it later: nothing is lost.
    afterFailed: async (jobId) => {
      await deadLetters.take(jobId).catch(trouble);
    },
    onError: trouble,
  });
}

async function listenForCancels(
  redis: Redis,
  consumers: ReadonlyMap<string, Consumer>,
  { namespace, observe }: RuntimeOptions,
): Promise<void> {
  const families = [...consumers.keys()].map((queue) => familyOf(queue, namespace));
  try {
    await onCancel(redis, families, ({ name }, request) => consumers.get(name)?.cancel(request));
  } catch (error) {
    observe({ event: "trouble", queue: "*", error: asError(error) });
  }
}

async function warnOfEviction(redis: Redis, observe: Observe): Promise<void> {
  try {
    const warning = await evictionWarning(redis);
    if (warning !== undefined) observe({ event: "trouble", queue: "*", error: new Error(warning) });
  } catch {
    // A server that does not tell is not worth a worker's life; connection trouble is told elsewhere.
  }
}
