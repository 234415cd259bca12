import { defaultPolicy } from "@understudy/core";
import type { JobsOptions } from "bullmq";

export interface NewJob {
  readonly id: string;
  readonly name: string;
  /** JSON. */
  readonly data: string;
  /** Epoch milliseconds. */
  readonly timestamp: number;
  readonly delayMs?: number | undefined;
  /** 1 is the most urgent, 2,097,152 the least; jobs without one go first. */
  readonly priority?: number | undefined;
  readonly keepCompletedMs: number;
}

/** The data that stood under the job's id before this add; undefined when the id was free and the job is new. */
export type Before = string | undefined;

/** Of the log that each job has. */
export const KEEP_LOG_LINES = 100;

/** For how long a completed job stays that says nothing of it. */
export const KEEP_COMPLETED_MS = defaultPolicy.keepCompletedMs;

/**
 * What BullMQ is told of a job, which is stored with it: as little as can be. Retrying is the runtime's business: BullMQ, which is
 * told of no attempts, must never decide that a job is done for. What failed stays, whatever a worker is set up to.
 */
export function optionsOf({
  delayMs = 0,
  priority = 0,
  keepCompletedMs,
}: Pick<NewJob, "delayMs" | "priority" | "keepCompletedMs">) {
  return {
    removeOnFail: false,
    ...(delayMs > 0 ? { delay: delayMs } : {}),
    ...(priority > 0 ? { priority } : {}),
    ...(keepCompletedMs === KEEP_COMPLETED_MS
      ? {}
      : { removeOnComplete: { age: Math.ceil(keepCompletedMs / 1000) } }),
  } satisfies JobsOptions;
}
