import { type DeadLetterStore, openDeadLetters } from "@understudy/dead-letters";
import {
  connectWorker,
  familyOf,
  type LockOptions,
  type RedisLocation,
  startStalledCheck,
} from "@understudy/queue";

import { asError, type Observe } from "./events.ts";

export interface JanitorOptions {
  readonly redis: RedisLocation;
  readonly namespace?: string;
  readonly queues: readonly string[];
  readonly locks?: Partial<LockOptions>;
  /** Default 5,000 ms. */
  readonly sweepEveryMs?: number;
  readonly observe: Observe;
}

export interface Janitor {
  /** Whether Redis answers. */
  isReady(): boolean;
  close(): Promise<void>;
}

/**
 * Moves what BullMQ has failed to the dead letters, whoever left it there, and takes up jobs that were lost with their worker,
 * also when no worker lives. Any number of janitors may run together.
 */
export async function startJanitor({
  redis: location,
  namespace,
  queues,
  locks,
  sweepEveryMs = 5000,
  observe,
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
  const sweeps = families.map((family) =>
    sweepEvery(sweepEveryMs, openDeadLetters(redis, family), (error) => trouble(family.name, error)),
  );
  return {
    isReady: () => redis.status === "ready",
    async close() {
      await Promise.all([...stops, ...sweeps].map((stop) => stop()));
      redis.disconnect();
    },
  };
}

/** @returns stops it, after the sweep that is under way */
function sweepEvery(
  everyMs: number,
  store: DeadLetterStore,
  onError: (error: unknown) => void,
): () => Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;
  const sweep = async (): Promise<void> => {
    try {
      await store.sweep();
    } catch (error) {
      onError(error);
    }
    if (!isStopped) timer = setTimeout(start, everyMs);
  };
  let running = sweep();
  function start(): void {
    running = sweep();
  }
  return async () => {
    isStopped = true;
    clearTimeout(timer);
    await running;
  };
}
