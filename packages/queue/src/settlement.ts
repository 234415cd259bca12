import { type BackendFactory, createRedisBackend, type RedisQueueBackend } from "bullmq";

/** Where a finished run of a job goes, with the data that is written in the same atomic step, fenced by the lock token. */
export interface Settlement {
  /** JSON. */
  readonly data: string;
  readonly move:
    | { readonly to: "completed"; readonly returnValue: unknown }
    | { readonly to: "delayed"; readonly delayMs: number; readonly spendsAttempt: boolean }
    | { readonly to: "failed"; readonly reason: string };
}

export interface SettlingOptions {
  /** Epoch milliseconds until which nothing should be fetched; 0 or the past when nothing stands in the way. */
  readonly heldUntil: () => number;
  /** Called after a job reached the failed set, before the worker goes on. Must not throw. */
  readonly afterFailed: (jobId: string) => Promise<void>;
}

/** How often a held worker looks whether it may fetch again. Costs no round trip. */
const HOLD_STEP_MS = 250;

type MoveToCompleted = RedisQueueBackend["moveToCompleted"];
type Finished = Awaited<ReturnType<MoveToCompleted>>;
type Job = Parameters<MoveToCompleted>[0];

// Protected in BullMQ's types, stable in its code; the contract tests hold the pinned version to it.
interface Internals {
  moveToFinishedArgs(
    job: Job,
    value: string,
    field: "returnvalue",
    keep: Parameters<MoveToCompleted>[2],
    target: "completed",
    token: string,
    timestamp: number,
    fetchNext: boolean,
    fieldsToUpdate: Record<string, string>,
  ): Parameters<RedisQueueBackend["moveToFinished"]>[1];
}

/**
 * BullMQ's Redis backend, taught two things. A processor's return value is a `Settlement`, so every way a run can end is
 * one script call that checks the lock, writes the data, moves the job and fetches the next one. And a held queue is not
 * fetched from.
 */
export function settlingBackend({
  heldUntil,
  afterFailed,
}: SettlingOptions): BackendFactory<RedisQueueBackend> {
  return (name, options, kind) => {
    const backend = createRedisBackend(name, options, kind);
    const fetchJob = backend.moveToActive.bind(backend);
    const moveToFailed = backend.moveToFailed.bind(backend);

    const complete = async (
      job: Job,
      returnValue: unknown,
      keep: Parameters<MoveToCompleted>[2],
      token: string,
      fetchNext: boolean,
      data: string,
    ): Promise<Finished> => {
      const finishedOn = Date.now();
      const value = JSON.stringify(returnValue) ?? "null";
      const args = (backend as unknown as Internals).moveToFinishedArgs(
        job,
        value,
        "returnvalue",
        keep,
        "completed",
        token,
        finishedOn,
        fetchNext,
        { data },
      );
      return { result: await backend.moveToFinished(idOf(job), args), finishedOn };
    };

    const settle = async (
      job: Job,
      { data, move }: Settlement,
      keep: Parameters<MoveToCompleted>[2],
      token: string,
      fetchNext: boolean,
    ): Promise<Finished> => {
      if (move.to === "completed") return await complete(job, move.returnValue, keep, token, fetchNext, data);
      if (move.to === "failed") return await fail(job, move.reason, false, token, fetchNext, { data });
      const result = await backend.moveToDelayed(idOf(job), Date.now(), move.delayMs, token, {
        skipAttempt: !move.spendsAttempt,
        fieldsToUpdate: { data },
        fetchNext,
      });
      return { result: result ?? [], finishedOn: 0 };
    };

    const fail: RedisQueueBackend["moveToFailed"] = async (job, reason, keep, token, fetchNext, fields) => {
      const moved = await moveToFailed(job, reason, keep, token, fetchNext, fields);
      await afterFailed(idOf(job));
      return moved;
    };

    return Object.assign(backend, {
      moveToFailed: fail,
      moveToCompleted: ((job, settlement, keep, token, fetchNext) =>
        settle(
          job,
          settlement as Settlement,
          keep,
          token,
          fetchNext && heldUntil() <= Date.now(),
        )) satisfies MoveToCompleted,
      moveToActive: (async (token, worker) => {
        const waitMs = heldUntil() - Date.now();
        return waitMs > 0
          ? [undefined, undefined, Math.min(waitMs, HOLD_STEP_MS), 0]
          : await fetchJob(token, worker);
      }) satisfies RedisQueueBackend["moveToActive"],
    });
  };
}

function idOf(job: Job): string {
  if (job.id === undefined) throw new TypeError("BullMQ handed over a job without an id");
  return job.id;
}
