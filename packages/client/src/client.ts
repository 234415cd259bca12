import { setTimeout as sleep } from "node:timers/promises";

import type { AnyJob, PayloadOf } from "@understudy/core";
import {
  type Family,
  familyOf,
  hasSchedule,
  openProducer,
  type Redis,
  type RedisLocation,
  removeSchedule,
  setSchedule,
} from "@understudy/queue";

import { answerTo, type Enqueued } from "./answers.ts";
import { type CancelAnswer, cancelJob } from "./cancel.ts";
import { EnqueueError } from "./enqueue-error.ts";
import { checkClientOptions, checkReason, type ManyOptions, type OptionsFor } from "./options.ts";
import type { Routes } from "./providers.ts";
import { type ScheduleOptions, scheduleOf } from "./schedule.ts";
import { seal, type Sealed } from "./seal.ts";
import { type JobStatus, readStatus } from "./status.ts";
import { startSending } from "./tracing.ts";

export interface Client extends AsyncDisposable {
  /**
   * Stores one job. Once it is answered, the job is on Redis.
   * @throws EnqueueError payload_invalid, payload_too_large, option_invalid, key_required: nothing was stored
   * @throws EnqueueError redis_unreachable: it may be stored; enqueue again with the error's idempotencyKey
   */
  readonly enqueue: <J extends AnyJob>(
    job: J,
    payload: PayloadOf<J>,
    ...options: OptionsFor<J>
  ) => Promise<Enqueued>;
  /** Stores many jobs of one kind; all are checked before any is sent. Answers are in the order of the payloads. */
  readonly enqueueMany: <J extends AnyJob>(
    job: J,
    payloads: readonly PayloadOf<J>[],
    options?: ManyOptions<J>,
  ) => Promise<readonly Enqueued[]>;
  /** @throws EnqueueError redis_unreachable, redis_refused */
  readonly status: (id: string) => Promise<JobStatus>;
  /** Waits until the job has completed or died, or the time is over; the status then, whichever it is. Default 30,000 ms. */
  readonly result: (id: string, options?: { readonly timeoutMs?: number }) => Promise<JobStatus>;
  /**
   * Makes such a job whenever the cron expression says, until `unschedule`. Setting a job's key again replaces its schedule.
   * @throws EnqueueError option_invalid, payload_invalid, payload_too_large, redis_unreachable
   */
  readonly schedule: <J extends AnyJob>(
    job: J,
    payload: PayloadOf<J>,
    options: ScheduleOptions,
  ) => Promise<void>;
  /** A job of the schedule that has not begun goes with it. @returns false when there was no schedule of this key */
  readonly unschedule: (job: AnyJob, key: string) => Promise<boolean>;
  /**
   * Cancels a job wherever it is in the fleet. Waits up to the client's deadline for one that runs to stop.
   * @param reason for people; stands in the dead letter
   * @throws EnqueueError option_invalid, redis_unreachable: it may be cancelled; asking again with this reason is safe
   */
  readonly cancel: (id: string, reason: string) => Promise<CancelAnswer>;
  close(): Promise<void>;
}

export interface ClientOptions {
  /** redis://…, rediss://… or ioredis options. */
  readonly redis: RedisLocation;
  /** How long an enqueue may take before it fails, Redis being down included. Default 5,000 ms. */
  readonly deadlineMs?: number;
  /** The size of a job as stored. Default 1 MiB. */
  readonly maxPayloadBytes?: number;
  /** Sets installations on one Redis apart; workers must use the same. */
  readonly namespace?: string;
  /**
   * The deployment's providers by capability, as its workers' ROUTE_… variables say: `{ "analytics.track": ["segment"] }`. Where
   * they are sinks it must be known, for each gets a job of its own; where they are rivals, a job that none of them can serve is
   * then refused at once. A provider given whole, such as `providers.stripe`, is asked whether it accepts the request as well.
   */
  readonly routes?: Routes;
  /** Told of connection trouble. Each enqueue reports its own as well. */
  readonly onError?: (error: Error) => void;
}

const defaults = { deadlineMs: 5000, maxPayloadBytes: 1_048_576, routes: {} } as const;
/** So many payloads have the deadline in common. */
const AT_ONCE = 1000;
const RESULT_MS = 30_000;
const MAX_POLL_MS = 500;

/** @throws EnqueueError option_invalid */
export function createClient(options: ClientOptions): Client {
  checkClientOptions(options);
  const { redis, deadlineMs, maxPayloadBytes, namespace, routes, onError } = { ...defaults, ...options };
  const producer = openProducer(redis, onError);

  const families = new Map<string, Family>();
  const familyNamed = (queue: string): Family => {
    let family = families.get(queue);
    if (family === undefined) families.set(queue, (family = familyOf(queue, namespace)));
    return family;
  };

  const addOne = async (family: Family, jobs: readonly Sealed[]): Promise<Enqueued> => {
    // No literal, so that V8 makes it in the young generation: see docs/internals.md, "Many in one call".
    const [one] = await producer.addEach(family, Array.of(jobs), deadlineMs);
    if (one?.ok !== true) throw EnqueueError.from(one?.error, [keyOf(jobs)], []);
    return answerTo(jobs, family.name, one.before);
  };

  /** Each payload by itself, so many under way at once. */
  const addAll = async (
    family: Family,
    groups: readonly (readonly Sealed[])[],
  ): Promise<readonly Enqueued[]> => {
    const done: Enqueued[] = [];
    for (let start = 0; start < groups.length; start += AT_ONCE) {
      const some = groups.slice(start, start + AT_ONCE);
      const failures: unknown[] = [];
      for (const [n, one] of (await producer.addEach(family, some, deadlineMs)).entries()) {
        if (!one.ok) failures.push(one.error);
        else done.push(answerTo(some[n] ?? [], family.name, one.before));
      }
      if (failures.length > 0) throw EnqueueError.from(failures[0], groups.map(keyOf), done);
    }
    return done;
  };

  const enqueueMany = async (
    job: AnyJob,
    payloads: readonly unknown[],
    { idempotencyKey, ...rest }: ManyOptions,
  ): Promise<readonly Enqueued[]> => {
    const sending = startSending(job);
    const traceparent = sending?.traceparent;
    try {
      const groups = payloads.map((payload, index) => {
        const key = idempotencyKey?.(payload, index);
        const place = payloads.length === 1 ? "" : ` (payload ${index})`;
        const options = key === undefined ? rest : { ...rest, idempotencyKey: key };
        return seal(job, payload, options, { maxPayloadBytes, place, routes, traceparent });
      });
      sending?.sendsMany(groups.reduce((sum, jobs) => sum + jobs.length, 0));
      return await addAll(familyNamed(job.queue), groups);
    } catch (error) {
      sending?.failed(error);
      throw error;
    } finally {
      sending?.end();
    }
  };

  const ask = async <T>(question: (connection: Redis) => Promise<T>): Promise<T> => {
    try {
      return await producer.ask(question, deadlineMs);
    } catch (error) {
      throw EnqueueError.from(error, [], []);
    }
  };
  const status = async (id: string): Promise<JobStatus> =>
    await ask((connection) => readStatus(connection, id, namespace));

  return {
    async enqueue(job, payload, ...[options]) {
      const sending = startSending(job);
      const traceparent = sending?.traceparent;
      try {
        const jobs = seal(job, payload, options ?? {}, { maxPayloadBytes, place: "", routes, traceparent });
        sending?.sendsOne(jobs);
        const answer = await addOne(familyNamed(job.queue), jobs);
        sending?.answered(answer);
        return answer;
      } catch (error) {
        sending?.failed(error);
        throw error;
      } finally {
        sending?.end();
      }
    },
    async enqueueMany(job, payloads, options) {
      return await enqueueMany(job, payloads, (options ?? {}) as ManyOptions);
    },
    status,
    async result(id, { timeoutMs = RESULT_MS } = {}) {
      const deadline = performance.now() + timeoutMs;
      for (let waitMs = 20; ; waitMs = Math.min(waitMs * 1.5, MAX_POLL_MS)) {
        const found = await status(id);
        const leftMs = deadline - performance.now();
        if (found.state === "completed" || found.state === "dead" || leftMs <= 0) return found;
        await sleep(Math.min(waitMs, leftMs));
      }
    },
    async schedule(job, payload, how) {
      const schedule = scheduleOf(job, payload, how, maxPayloadBytes);
      await ask((connection) => setSchedule(connection, familyOf(job.queue, namespace), schedule));
    },
    async unschedule(job, key) {
      const schedule = { jobName: job.name, key };
      let wasThere = false;
      // Asked again after a lost answer, Redis would say that there was none.
      return await ask(async (connection) => {
        const family = familyOf(job.queue, namespace);
        wasThere ||= await hasSchedule(connection, family, schedule);
        await removeSchedule(connection, family, schedule);
        return wasThere;
      });
    },
    async cancel(id, reason) {
      checkReason(reason);
      return await ask((connection) =>
        cancelJob(connection, id, { namespace, reason, patienceMs: deadlineMs / 2 }),
      );
    },
    close: () => producer.close(),
    [Symbol.asyncDispose]: () => producer.close(),
  };
}

function keyOf([first]: readonly Sealed[]): string {
  return first?.idempotencyKey ?? "";
}
