import { Worker } from "bullmq";
import type { Redis } from "ioredis";

import { defaultLocks, type LockOptions } from "./consumer.ts";
import type { Family } from "./names.ts";

interface StalledCheckOptions {
  readonly redis: Redis;
  readonly family: Family;
  readonly locks?: Partial<LockOptions>;
  readonly onError: (error: Error) => void;
}

/**
 * Looks for jobs that were lost with their worker, also when no worker of the queue lives, and takes them up again.
 * @returns stops it
 */
export async function startStalledCheck({
  redis,
  family,
  locks,
  onError,
}: StalledCheckOptions): Promise<() => Promise<void>> {
  const { stalledCheckMs, maxStalledCount } = { ...defaultLocks, ...locks };
  const checker = new Worker(family.name, null, {
    connection: redis,
    prefix: family.prefix,
    autorun: false,
    stalledInterval: stalledCheckMs,
    maxStalledCount,
  });
  checker.on("error", onError);
  await checker.startStalledCheckTimer();
  return async () => {
    await checker.close();
  };
}
