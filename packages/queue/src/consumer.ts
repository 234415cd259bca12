import { asError, type Capacity } from "@understudy/core";
import type { Job } from "bullmq";
import type { Redis } from "ioredis";

import { usesBatches } from "./batch/backend.ts";
import { manyFinishes, manyMoves } from "./batch/move-many.ts";
import { createMover } from "./batch/mover.ts";
import { logging } from "./batch/moves.ts";
import type { CancelRequest } from "./cancel.ts";
import { createFetchDoor, type FetchDoor } from "./fetch-door.ts";
import { type Family, keyOf } from "./names.ts";
import { type Settlement, settlingBackend, type SettlingOptions } from "./settlement.ts";
import { SettlingWorker } from "./worker.ts";

/** A job as BullMQ hands it over. */
export interface Fetched {
  readonly id: string;
  readonly name: string;
  /** Parsed JSON. */
  readonly data: unknown;
  readonly token: string;
  /** How often BullMQ started this job in this life, this start included. */
  readonly starts: number;
  readonly enqueuedAt: number;
  /** 0 when none was given. */
  readonly priority: number;
  /** To be called when it is about to ask a provider: from then on it shows in the capacity. */
  asks(): void;
}

export interface LockOptions {
  /** A worker that does not renew its lock for this long is taken for lost. */
  readonly lockMs: number;
  /** How often lost jobs are looked for. */
  readonly stalledCheckMs: number;
  /** How often a job may be lost with its worker before it is given up. */
  readonly maxStalledCount: number;
}

export const defaultLocks: LockOptions = { lockMs: 60_000, stalledCheckMs: 30_000, maxStalledCount: 3 };

export interface ConsumerOptions extends Pick<SettlingOptions, "afterFailed" | "keepCompletedMs"> {
  /** How many more jobs could be served now: what nobody can serve is not fetched. */
  readonly capacity: () => Capacity;
  readonly redis: Redis;
  readonly family: Family;
  readonly concurrency: number;
  /** How many more may run at once while some take far longer than usual. Default 0. */
  readonly spare?: number;
  readonly locks?: Partial<LockOptions>;
  /** Runs one job. `signal` aborts when the worker must stop or has lost the job's lock. A throw is a bug and fails the job. */
  readonly process: (job: Fetched, signal: AbortSignal) => Promise<Settlement>;
  /** Told of Redis trouble and of refused settlements; must not throw. */
  readonly onError: (error: Error) => void;
}

/** In one call: it holds up others for a third of a millisecond. */
const MOST_MOVES = 25;

const CANCELLED = "cancelled: ";
const SHUTTING_DOWN = "shutting_down";

/** Why the job was cancelled, for people; undefined when it was not, though this run of it may have been cut. */
export function cancelReasonOf({ aborted, reason }: AbortSignal): string | undefined {
  return aborted && typeof reason === "string" && reason.startsWith(CANCELLED)
    ? reason.slice(CANCELLED.length)
    : undefined;
}

export interface Consumer {
  /** Aborts the run of a job, if it runs here; `cancelReasonOf` its signal tells why. */
  cancel(request: CancelRequest): void;
  /** The ids of the jobs that are being run. */
  running(): readonly string[];
  /**
   * Takes nothing new, lets running jobs finish until the deadline, then aborts their signals and waits for them. While Redis
   * is away that may be for ever: jobs cannot be settled without it.
   */
  close(options: { readonly deadlineMs: number }): Promise<void>;
  isRunning(): boolean;
}

export function startConsumer(options: ConsumerOptions): Consumer {
  const { family, redis, locks, process, onError } = options;
  const { lockMs, stalledCheckMs, maxStalledCount } = { ...defaultLocks, ...locks };
  const { capacity, concurrency, spare = 0 } = options;
  const door = createFetchDoor({ capacity, concurrency });
  const locking = { lockMs, name: "" };
  const prefix = keyOf(family, "name", "");
  const mover = usesBatches()
    ? createMover({
        finishes: manyFinishes(redis, prefix, locking),
        moves: manyMoves(redis, prefix),
        most: MOST_MOVES,
      })
    : undefined;
  const writeLog = async (id: string, lines: readonly string[]): Promise<void> => {
    if (lines.length === 0) return;
    try {
      if (mover === undefined) for (const line of lines) await worker.logLine(id, line);
      else await mover.one(logging(keyOf(family, "name", id), lines));
    } catch (error) {
      onError(asError(error));
    }
  };
  const running = new Set<string>();
  let isOverdue = false;
  const worker = new SettlingWorker(
    family.name,
    // BullMQ passes a signal only to functions of three parameters.
    async (job, token, signal) => {
      const one = fetched(job, token, door);
      // Fetched before the end and started after it: nobody would cut it any more.
      const cut = isOverdue ? AbortSignal.abort(SHUTTING_DOWN) : signal;
      door.started(one.id);
      running.add(one.id);
      try {
        return asReturnValue(await process(one, cut ?? new AbortController().signal));
      } finally {
        running.delete(one.id);
      }
    },
    {
      connection: redis,
      prefix: family.prefix,
      concurrency: concurrency + spare,
      lockDuration: lockMs,
      stalledInterval: stalledCheckMs,
      maxStalledCount,
      runRetryDelay: 1000,
      autorun: false,
    },
    settlingBackend({
      door,
      mover,
      locking,
      keepCompletedMs: options.keepCompletedMs,
      afterFailed: options.afterFailed,
      writeLog,
    }),
    { door, isQuick: mover !== undefined },
  );
  worker.on("error", onError);
  worker.run().catch(onError);
  worker.on("lockRenewalFailed", (ids: string[]) => {
    for (const id of ids) worker.cancelJob(id, "lock_lost");
  });
  return {
    cancel: ({ id, reason }) => void worker.cancelJob(id, `${CANCELLED}${reason}`),
    running: () => [...running],
    isRunning: () => worker.isRunning() && !worker.isPaused(),
    async close({ deadlineMs }) {
      door.shut();
      const overdue = setTimeout(() => {
        isOverdue = true;
        worker.cancelAllJobs(SHUTTING_DOWN);
      }, deadlineMs);
      try {
        await worker.close();
      } finally {
        clearTimeout(overdue);
      }
    },
  };
}

/** BullMQ writes what a processor returns as JSON before anybody can say that it is something else. */
function asReturnValue(settlement: Settlement): Settlement {
  return Object.assign(settlement, { toJSON: () => null });
}

function fetched(job: Job, token: string | undefined, door: FetchDoor): Fetched {
  if (job.id === undefined || token === undefined)
    throw new TypeError("BullMQ handed over a job without id or lock");
  const { id } = job;
  return {
    id,
    name: job.name,
    data: job.data,
    token,
    starts: job.attemptsStarted,
    enqueuedAt: job.timestamp,
    priority: job.priority,
    asks: () => door.asks(id),
  };
}
