import { type BackendFactory, createRedisBackend, type RedisQueueBackend, type WorkerOptions } from "bullmq";

import type { Locking } from "./batch/finish-many.ts";
import type { Mover } from "./batch/mover.ts";
import { batchMoves } from "./batch/moves.ts";
import type { FetchDoor } from "./fetch-door.ts";
import { KEEP_COMPLETED_MS } from "./new-job.ts";
import { isConnectionTrouble } from "./trouble.ts";

/** Where a finished run of a job goes, with the data that is written in the same atomic step, fenced by the lock token. */
export interface Settlement {
  /** JSON; when absent the data stays as it is. */
  readonly data?: string;
  /** For the job's own log, which is for people: what cannot be written there changes nothing. */
  readonly log: readonly string[];
  /** Called once Redis has agreed: until then the run may still belong to somebody else. Must not throw. */
  readonly afterwards: () => void;
  /**
   * Called when Redis refused, as it does when the job's lock is lost; not finally when it could not be asked, for then BullMQ tries
   * again. Must not throw.
   */
  readonly refused?: (isFinal: boolean) => void;
  readonly move:
    | { readonly to: "completed"; readonly returnValue: unknown }
    | { readonly to: "delayed"; readonly delayMs: number; readonly spendsAttempt: boolean }
    | { readonly to: "failed"; readonly reason: string };
}

export interface SettlingOptions {
  readonly door: FetchDoor;
  /** What goes to Redis goes together with what others send; when absent it goes alone. */
  readonly mover: Mover | undefined;
  readonly locking: Locking;
  /**
   * What completed in this queue stays at least so long. When a job completes, BullMQ removes all of the queue that are older than
   * that one's own age: one job with a short memory would take the receipts of the others with it.
   */
  readonly keepCompletedMs: number;
  /** Called after a job reached the failed set, before the worker goes on. Must not throw. */
  readonly afterFailed: (jobId: string) => Promise<void>;
  /** Adds lines to a job's own log. Must not throw. */
  readonly writeLog: (jobId: string, lines: readonly string[]) => Promise<void>;
}

type MoveToCompleted = RedisQueueBackend["moveToCompleted"];
type Finished = Awaited<ReturnType<MoveToCompleted>>;
type Job = Parameters<MoveToCompleted>[0];

type Keep = Parameters<MoveToCompleted>[2];
type To<Place extends Settlement["move"]["to"]> = Extract<Settlement["move"], { readonly to: Place }>;

interface How {
  readonly keep: Keep;
  readonly token: string;
  readonly fetchNext: boolean;
  /** JSON; the job's data that is written in the same step. */
  readonly data: string | undefined;
  readonly log: readonly string[];
}

// Protected in BullMQ's types, stable in its code; the contract tests hold the pinned version to it.
interface Internals {
  moveToFinishedArgs(
    job: Job,
    value: string,
    field: "returnvalue",
    keep: Keep,
    target: "completed",
    token: string,
    timestamp: number,
    fetchNext: boolean,
    fieldsToUpdate?: Record<string, string>,
  ): Parameters<RedisQueueBackend["moveToFinished"]>[1];
}

/**
 * BullMQ's Redis backend, taught two things. A processor's return value is a `Settlement`, so every way a run can end is
 * one script call that checks the lock, writes the data, moves the job and fetches the next one. And nothing is fetched
 * that nobody could serve.
 */
export function settlingBackend({
  door,
  mover,
  locking,
  keepCompletedMs,
  afterFailed,
  writeLog,
}: SettlingOptions): BackendFactory<RedisQueueBackend> {
  return (name, options, kind) => {
    const backend = createRedisBackend(name, options, kind);
    const finishTogether = mover && batchMoves(backend, options as WorkerOptions, mover, locking);
    const fetchJob = backend.moveToActive.bind(backend);
    const moveToFailed = backend.moveToFailed.bind(backend);

    const fail: RedisQueueBackend["moveToFailed"] = async (job, reason, keep, token, fetchNext, fields) => {
      door.ended(idOf(job));
      const moved = await moveToFailed(job, reason, keep, token, fetchNext, fields);
      await afterFailed(idOf(job));
      return moved;
    };

    const complete = async (job: Job, move: To<"completed">, how: How): Promise<Finished> => {
      const finishedOn = Date.now();
      const value = JSON.stringify(move.returnValue) ?? "null";
      const { token, fetchNext, data } = how;
      const keep = longer(how.keep, keepCompletedMs);
      const id = idOf(job);
      const parts = () =>
        (backend as unknown as Internals).moveToFinishedArgs(
          job,
          value,
          "returnvalue",
          keep,
          "completed",
          token,
          finishedOn,
          fetchNext,
          fieldsOf(data),
        );
      if (finishTogether !== undefined) {
        const { log } = how;
        const completion = { id, returnValue: value, keep, token, finishedOn, fetchNext, data, log, parts };
        return { result: await finishTogether(completion), finishedOn };
      }
      await writeLog(id, how.log);
      return { result: await backend.moveToFinished(id, parts()), finishedOn };
    };

    const delay = async (
      job: Job,
      move: To<"delayed">,
      { token, fetchNext, data, log }: How,
    ): Promise<Finished> => {
      const fields = fieldsOf(data);
      void writeLog(idOf(job), log);
      const result = await backend.moveToDelayed(idOf(job), Date.now(), move.delayMs, token, {
        skipAttempt: !move.spendsAttempt,
        ...(fields === undefined ? {} : { fieldsToUpdate: fields }),
        fetchNext,
      });
      return { result: result ?? [], finishedOn: 0 };
    };

    const bury = async (job: Job, move: To<"failed">, how: How): Promise<Finished> => {
      // It moves to the dead letters, and its log with it.
      await writeLog(idOf(job), how.log);
      return await fail(job, move.reason, false, how.token, how.fetchNext, fieldsOf(how.data));
    };

    const settle = (job: Job, move: Settlement["move"], how: How): Promise<Finished> => {
      switch (move.to) {
        case "completed":
          return complete(job, move, how);
        case "delayed":
          return delay(job, move, how);
        case "failed":
          return bury(job, move, how);
      }
    };

    const moveToCompleted: MoveToCompleted = async (job, returned, keep, token, mayFetch) => {
      const { data, log, move, afterwards, refused } = returned as Settlement;
      door.ended(idOf(job));
      const fetchNext = mayFetch && door.hasSlot() && door.waitMs(Date.now()) === 0;
      const how = { keep, token, fetchNext, data, log };
      const settling = fetchNext
        ? door.pass(
            () => settle(job, move, how),
            ({ result }) => fetchedId(result),
          )
        : settle(job, move, how);
      if (refused !== undefined) settling.catch((error: unknown) => refused(!isConnectionTrouble(error)));
      const { result, finishedOn } = await settling;
      afterwards();
      // BullMQ takes the answer of one that was to bring no job for word that none waits.
      return { result: fetchNext ? result : undefined, finishedOn };
    };

    const moveToActive: RedisQueueBackend["moveToActive"] = async (token, worker) => {
      const waitMs = door.waitMs(Date.now());
      if (waitMs > 0) return [undefined, undefined, waitMs, 0];
      return await door.pass(() => fetchJob(token, worker), fetchedId);
    };

    return Object.assign(backend, { moveToFailed: fail, moveToCompleted, moveToActive });
  };
}

/** BullMQ's answer to a fetch: the job's fields, its id, and waits. */
function fetchedId(answer: unknown): string | undefined {
  const id: unknown = Array.isArray(answer) ? answer[1] : undefined;
  return typeof id === "string" && id !== "" ? id : undefined;
}

function idOf(job: Job): string {
  if (job.id === undefined) throw new TypeError("BullMQ handed over a job without an id");
  return job.id;
}

function fieldsOf(data: string | undefined): Record<string, string> | undefined {
  return data === undefined ? undefined : { data };
}

/** Both are promises: what the finishing job was stored with, by whatever release, and what its queue keeps. */
function longer(keep: Keep, leastMs: number): Keep {
  if (keep === undefined) return { age: seconds(Math.max(leastMs, KEEP_COMPLETED_MS)) };
  if (typeof keep !== "object" || !("age" in keep) || keep.age === undefined) return keep;
  return { ...keep, age: Math.max(keep.age, seconds(leastMs)) };
}

function seconds(ms: number): number {
  return Math.ceil(ms / 1000);
}
