import { asError, type AnyJob } from "@understudy/core";
import type { Retention } from "@understudy/dead-letters";
import {
  connectWorker,
  defaultLocks,
  familyOf,
  type LockOptions,
  type RedisLocation,
  startStalledCheck,
} from "@understudy/queue";

import type { Observe } from "./events.ts";
import { createUpkeep } from "./upkeep.ts";

export interface JanitorOptions {
  readonly redis: RedisLocation;
  readonly namespace?: string;
  readonly queues: readonly string[];
  /** Those it may meet: what it does not know it treats as what must not happen twice. */
  readonly jobs: readonly AnyJob[];
  /** How much of each family's dead letters is kept. Without bounds all of them. */
  readonly retention?: Retention;
  readonly locks?: Partial<LockOptions>;
  /** Default 5,000 ms. */
  readonly sweepEveryMs?: number;
  readonly observe: Observe;
  readonly now?: () => number;
}

export interface Janitor {
  /** Whether Redis answers. */
  isReady(): boolean;
  close(): Promise<void>;
}

/**
 * Moves what BullMQ has failed to the dead letters, whoever left it there; takes up jobs that were lost with their worker, also
 * when no worker lives, and fails those that can never be run; keeps the dead letters within their bounds and their index whole;
 * and tells how everything stands. Any number of janitors may run together.
 */
export async function startJanitor({
  redis: location,
  namespace,
  queues,
  jobs,
  retention = {},
  locks,
  sweepEveryMs = 5000,
  observe,
  now = Date.now,
}: JanitorOptions): Promise<Janitor> {
  const redis = connectWorker(location);
  const trouble = (queue: string, error: unknown): void =>
    observe({ event: "trouble", queue, error: asError(error) });
  redis.on("error", (error: Error) => trouble("*", error));
  const families = queues.map((queue) => familyOf(queue, namespace));
  const stops = await Promise.all(
    families.map((family) =>
      startStalledCheck({
        redis,
        family,
        ...(locks === undefined ? {} : { locks }),
        onError: (error) => trouble(family.name, error),
      }),
    ),
  );
  const { maxStalledCount } = { ...defaultLocks, ...locks };
  const rounds = families.map((family) =>
    repeat(
      createUpkeep({ redis, family, jobs, retention, maxStalledCount, observe, now }),
      sweepEveryMs,
      (error) => trouble(family.name, error),
    ),
  );
  return {
    isReady: () => redis.status === "ready",
    async close() {
      await Promise.all([...stops, ...rounds].map((stop) => stop()));
      redis.disconnect();
    },
  };
}

/** @returns stops it, after the round that is under way */
function repeat(
  round: () => Promise<void>,
  everyMs: number,
  onError: (error: unknown) => void,
): () => Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;
  const run = async (): Promise<void> => {
    try {
      await round();
    } catch (error) {
      onError(error);
    }
    if (!isStopped) timer = setTimeout(start, everyMs);
  };
  let running = run();
  function start(): void {
    running = run();
  }
  return async () => {
    isStopped = true;
    clearTimeout(timer);
    await running;
  };
}
