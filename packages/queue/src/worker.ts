import {
  type BackendFactory,
  type Job,
  type JobJson,
  type KeepJobs,
  type Processor,
  type RedisQueueBackend,
  Worker,
  type WorkerOptions,
} from "bullmq";

import type { FetchDoor } from "./fetch-door.ts";
import { KEEP_LOG_LINES } from "./new-job.ts";
import type { Settlement } from "./settlement.ts";
import { isConnectionTrouble } from "./trouble.ts";

// Private in BullMQ's types; the contract tests hold the pinned version to them.
interface Internals {
  isRateLimited(): boolean;
  readonly mainLoopQueue: { add(item: Promise<unknown>): void } | null;
  updateDelays(limitMs: number, until: number): void;
  drained: boolean;
}

type OneJob = Job<unknown, Settlement>;

/** How a run ended. */
type Ran = { readonly settlement: Settlement; refusal?: Error } | { readonly thrown: unknown };

/** BullMQ's worker, which takes whatever stands in a job's data, and has a shorter way for jobs that complete. */
export class SettlingWorker extends Worker<unknown, Settlement> {
  /** Runs of jobs of which BullMQ's loop has not heard yet. */
  readonly #begun = new WeakMap<OneJob, Promise<Ran>>();
  /** Runs that are over and that BullMQ is to settle. */
  readonly #ran = new WeakMap<OneJob, Ran>();
  /** Whether to take the shorter way. */
  readonly #isQuick: boolean;

  constructor(
    name: string,
    processor: Processor<unknown, Settlement>,
    options: WorkerOptions,
    backend: BackendFactory<RedisQueueBackend>,
    isQuick: boolean,
  ) {
    super(name, processor, options, backend);
    this.#isQuick = isQuick;
  }

  async logLine(id: string, line: string): Promise<void> {
    await this.backend.addLog(id, line, KEEP_LOG_LINES);
  }

  /** BullMQ throws at data that is not JSON before any processor sees the job, which would then stall for ever. */
  protected override createJob(json: JobJson, jobId: string): OneJob {
    try {
      return super.createJob(json, jobId);
    } catch {
      return super.createJob({ ...json, data: "null" }, jobId);
    }
  }

  /**
   * A job that comes to an idle worker begins when it is here: BullMQ's loop asks for the next one first, and waits for the answer.
   * While there are many that loop fetches up to all that may run, and what had begun before would be settled late.
   */
  protected override async moveToActive(token: string, name?: string): Promise<OneJob> {
    const isIdle = (this as unknown as Internals).drained;
    // None, in spite of BullMQ's type, when nothing waits.
    const job = (await super.moveToActive(token, name)) as OneJob | undefined;
    if (job && isIdle && this.#isQuick && !job.deferredFailure) this.#begun.set(job, this.#run(job, token));
    return job as OneJob;
  }

  /**
   * A job that completes is settled here, once: BullMQ's own way there takes as long as all that the job's run does besides. Whatever
   * else comes of it, trouble with Redis too, is BullMQ's, with the run that is over.
   */
  override async processJob(
    job: OneJob,
    token: string,
    mayFetch: () => boolean = () => true,
  ): Promise<OneJob | void> {
    if (!this.#isQuick || job.deferredFailure) return await super.processJob(job, token, mayFetch);
    const ran = await (this.#begun.get(job) ?? this.#run(job, token));
    const next = await this.#complete(job, ran, token, mayFetch);
    if (next !== undefined) return next.job;
    this.#ran.set(job, ran);
    return await super.processJob(job, token, mayFetch);
  }

  protected override async callProcessJob(
    job: OneJob,
    token: string,
    signal?: AbortSignal,
  ): Promise<Settlement> {
    const ran = this.#ran.get(job);
    if (ran === undefined) return await super.callProcessJob(job, token, signal);
    if ("thrown" in ran) throw ran.thrown;
    if (ran.refusal !== undefined) throw ran.refusal;
    return ran.settlement;
  }

  async #run(job: OneJob, token: string): Promise<Ran> {
    const control = this.lockManager.trackJob(idOf(job), token, job.processedOn ?? 0, true);
    try {
      return { settlement: await super.callProcessJob(job, token, control?.signal as AbortSignal) };
    } catch (thrown) {
      return { thrown };
    }
  }

  /** @returns the job that is next, if any; undefined when it is not completed */
  async #complete(
    job: OneJob,
    ran: Ran,
    token: string,
    mayFetch: () => boolean,
  ): Promise<{ readonly job: OneJob | undefined } | undefined> {
    if (!("settlement" in ran) || ran.settlement.move.to !== "completed" || this.backend.closing)
      return undefined;
    this.lockManager.untrackJob(idOf(job));
    const fetchNext = mayFetch() && this.closing === undefined && !this.paused;
    let result: Awaited<ReturnType<typeof this.backend.moveToCompleted>>["result"];
    try {
      // Absent where the job says nothing of it.
      const removeOnComplete = job.opts.removeOnComplete as KeepJobs;
      ({ result } = await this.backend.moveToCompleted(
        job,
        ran.settlement,
        removeOnComplete,
        token,
        fetchNext,
      ));
    } catch (error) {
      // What Redis refused it would refuse again; whether it can be asked again is seen by asking.
      if (error instanceof Error && !isConnectionTrouble(error)) {
        ran.refusal = error;
        if (this.closing === undefined && !this.paused) this.emit("error", error);
      }
      return undefined;
    }
    this.emit("completed", job, ran.settlement, "active");
    try {
      return { job: Array.isArray(result) ? await this.#next(result, token) : undefined };
    } catch (error) {
      // A job that cannot be read is stalled in a while, as BullMQ leaves it. Its loop would never get over a throw from here.
      this.emit("error", error instanceof Error ? error : new Error(String(error)));
      return { job: undefined };
    }
  }

  async #next([json, id, limitMs, until]: readonly unknown[], token: string): Promise<OneJob | undefined> {
    const internals = this as unknown as Internals;
    internals.updateDelays(limitMs as number, until as number);
    const next = json as JobJson | undefined;
    if (!next || next.repeatJobKey) return await this.nextJobFromJobData(next, id as string, token);
    internals.drained = false;
    const job = this.createJob(next, id as string);
    job.token = token;
    this.emit("active", job, "waiting");
    return job;
  }
}

/**
 * Keeps a worker from fetching while no slot is free. Its loop then waits until a job ends; a slot that is free before that is told
 * to it in the way in which BullMQ itself wakes it.
 */
export function waitForSlots(worker: SettlingWorker, door: FetchDoor): void {
  const internals = worker as unknown as Internals;
  const isLimited = internals.isRateLimited.bind(worker);
  const wake = (): void => internals.mainLoopQueue?.add(Promise.resolve());
  internals.isRateLimited = () => isLimited() || door.waitsForSlot(wake);
}

function idOf({ id }: OneJob): string {
  if (id === undefined) throw new TypeError("BullMQ handed over a job without an id");
  return id;
}
