import { unlimited } from "@understudy/core";
import type { Redis } from "ioredis";
import { expect, onTestFinished } from "vitest";

import { type Consumer, type ConsumerOptions, startConsumer } from "../consumer.ts";
import type { Family } from "../names.ts";
import type { Settlement } from "../settlement.ts";

/** What completed a job. */
export const COMPLETED: Settlement["move"] = { to: "completed", returnValue: null };

/** Ours, one job at a time unless told otherwise, until the test ends. Trouble fails the test. */
export function startOurs(
  redis: Redis,
  family: Family,
  move: (job: Parameters<ConsumerOptions["process"]>[0]) => Settlement["move"] | Promise<Settlement["move"]>,
  { log = [], ...options }: Partial<ConsumerOptions> & Partial<Pick<Settlement, "log">> = {},
): Consumer {
  const consumer = startConsumer({
    redis,
    family,
    concurrency: 1,
    capacity: () => unlimited,
    keepCompletedMs: 60_000,
    afterFailed: () => Promise.resolve(),
    process: async (job) => ({ move: await move(job), log, afterwards: () => {} }),
    onError: (error) => expect.unreachable(error.message),
    ...options,
  });
  onTestFinished(() => consumer.close({ deadlineMs: 0 }));
  return consumer;
}
