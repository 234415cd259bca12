import { UnderstudyError } from "@understudy/core";
import { defaultRepeatStrategy, type JobSchedulerJson, Queue } from "bullmq";
import type { Redis } from "ioredis";

import { registerFamily } from "./families.ts";
import type { Family } from "./names.ts";

export interface Schedule {
  /** Among the schedules of this job; setting it again replaces it. */
  readonly key: string;
  /** Five fields, or six with seconds first. */
  readonly cron: string;
  /** IANA, such as Europe/Berlin. */
  readonly timeZone: string;
  readonly jobName: string;
  /** JSON value, the data of every job that it makes. */
  readonly data: unknown;
  readonly keepCompletedMs: number;
}

/** BullMQ gives the jobs of a schedule ids of this form; the time is when they are due. */
const scheduledId = /^repeat:.*:(\d+)$/u;

/** Epoch milliseconds at which the job of a schedule is due; undefined for any other job. */
export function dueTimeOf(jobId: string): number | undefined {
  const digits = scheduledId.exec(jobId)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** What is wrong with a cron expression in a time zone, in words; undefined when it will fire. */
export function cronProblem(cron: string, timeZone: string, now: number): string | undefined {
  try {
    return defaultRepeatStrategy(now, { pattern: cron, tz: timeZone }) === undefined
      ? "it never fires"
      : undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/**
 * BullMQ, told to set a schedule, takes away the schedule's next job and writes the new one over whatever stands under its id.
 * So one that is as it should be is left alone, and a new one begins a little later than now: no worker whose clock is within
 * this of ours can have taken the job that it begins with.
 */
const BEGIN_AFTER_MS = 2000;

/** @throws UnderstudyError option_invalid when a job of the schedule that stands is due and has not begun: it would vanish */
export async function setSchedule(redis: Redis, family: Family, schedule: Schedule): Promise<void> {
  await registerFamily(redis, family);
  await withQueue(redis, family, async (queue) => {
    const id = idOf(schedule.jobName, schedule.key);
    const standing = await queue.getJobScheduler(id);
    if (standing !== undefined && isSame(standing, schedule)) return;
    if (standing?.next !== undefined && standing.next <= Date.now()) {
      throw new UnderstudyError(
        "option_invalid",
        `A job of the schedule ${schedule.key} is due and has not begun; set the schedule again once it has.`,
      );
    }
    await queue.upsertJobScheduler(
      id,
      { pattern: schedule.cron, tz: schedule.timeZone, startDate: Date.now() + BEGIN_AFTER_MS },
      {
        name: schedule.jobName,
        data: schedule.data,
        opts: {
          attempts: 1,
          removeOnComplete: { age: Math.ceil(schedule.keepCompletedMs / 1000) },
          removeOnFail: false,
          stackTraceLimit: 5,
          keepLogs: 100,
        },
      },
    );
  });
}

/** BullMQ's id of the schedule. Job ids are made of it, and these must differ from queue to queue: a job's name does. */
function idOf(jobName: string, key: string): string {
  return `${jobName}.${key}`;
}

function isSame({ pattern, tz, template }: JobSchedulerJson, { cron, timeZone, data }: Schedule): boolean {
  return pattern === cron && tz === timeZone && JSON.stringify(template?.data) === JSON.stringify(data);
}

export async function hasSchedule(
  redis: Redis,
  family: Family,
  { jobName, key }: Pick<Schedule, "jobName" | "key">,
): Promise<boolean> {
  return await withQueue(
    redis,
    family,
    async (queue) => (await queue.getJobScheduler(idOf(jobName, key))) !== undefined,
  );
}

/** A job of it that has not begun goes with it. @returns false when there was none of this key */
export async function removeSchedule(
  redis: Redis,
  family: Family,
  { jobName, key }: Pick<Schedule, "jobName" | "key">,
): Promise<boolean> {
  return await withQueue(redis, family, async (queue) => await queue.removeJobScheduler(idOf(jobName, key)));
}

async function withQueue<T>(
  redis: Redis,
  { name, prefix }: Family,
  use: (queue: Queue) => Promise<T>,
): Promise<T> {
  const queue = new Queue(name, { connection: redis, prefix, skipMetasUpdate: true });
  try {
    return await use(queue);
  } finally {
    // The connection is the caller's and stays open.
    await queue.close();
  }
}
