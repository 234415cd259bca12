import { asError } from "@understudy/core";
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
import { createWorkLoop, type WorkLoop } from "./work-loop.ts";

// Private in BullMQ's types; the contract tests hold the pinned version to them.
interface Internals {
  mainLoop(): Promise<void>;
  mainLoopQueue: { add(item: Promise<unknown>): void } | null;
  isRateLimited(): boolean;
  waitForJob(until: number): Promise<number>;
  retryIfFailed<T>(act: () => Promise<T>, how: object): Promise<T | undefined>;
  delay(ms: number | undefined, abort: AbortController | null): Promise<void>;
  updateDelays(limitMs: number, until: number): void;
  abortDelayController: AbortController | null;
  readonly limitUntil: number;
  blockUntil: number;
  drained: boolean;
}

type OneJob = Job<unknown, Settlement>;

/** How a run ended. */
type Ran = { readonly settlement: Settlement; refusal?: Error } | { readonly thrown: unknown };

/** What holds a worker may be over before its time. */
const MAX_REST_MS = 250;

/** BullMQ's worker, which takes whatever stands in a job's data, and has a shorter way for jobs that complete. */
export class SettlingWorker extends Worker<unknown, Settlement> {
  /** Runs that are over and that BullMQ is to settle. */
  readonly #ran = new WeakMap<OneJob, Ran>();
  readonly #door: FetchDoor;
  /** Whether to take the shorter way, and a loop of our own. */
  readonly #isQuick: boolean;

  constructor(
    name: string,
    processor: Processor<unknown, Settlement>,
    options: WorkerOptions,
    backend: BackendFactory<RedisQueueBackend>,
    { door, isQuick }: { readonly door: FetchDoor; readonly isQuick: boolean },
  ) {
    super(name, processor, options, backend);
    this.#door = door;
    this.#isQuick = isQuick;
    if (isQuick) Object.assign(this, { mainLoop: () => this.#keepAtWork() });
    else this.#waitForSlots();
  }

  async logLine(id: string, line: string): Promise<void> {
    await this.backend.addLog(id, line, KEEP_LOG_LINES);
  }

  /** BullMQ throws at data that is not JSON before any processor sees the job, which would then stall for ever. */
  protected override createJob(json: JobJson, jobId: string): OneJob {
    try {
      return super.createJob(json, jobId);
    } catch {
      return this.#createWithoutData(json, jobId);
    }
  }

  #createWithoutData(json: JobJson, jobId: string): OneJob {
    try {
      return super.createJob({ ...json, data: "null" }, jobId);
    } catch (error) {
      // Nothing will run it.
      this.#door.ended(jobId);
      throw error;
    }
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
    const ran = await this.#run(job, token);
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

  /**
   * In place of BullMQ's loop, which fetches one job after the other until all slots have one, each a round trip, and begins them after that:
   * fifty slots are idle for ten milliseconds then.
   */
  async #keepAtWork(): Promise<void> {
    const internals = this as unknown as Internals;
    const door = this.#door;
    const delayInMs = this.opts.runRetryDelay;
    const isLimited = (): boolean => internals.limitUntil > Date.now();
    const isEnding = (): boolean => this.closing !== undefined || this.isPaused();
    let asked = 0;
    let failures = 0;
    const loop: WorkLoop = createWorkLoop<OneJob>({
      concurrency: () => this.concurrency,
      // A limit lets no job through, whatever waits behind it.
      isDrained: () => internals.drained && internals.limitUntil === 0,
      isHeld: () => isLimited() || door.waitMs(Date.now()) > 0,
      hasSlot: () => !door.waitsForSlot(loop.look),
      isEnding,
      async wait() {
        const until = await internals.waitForJob(internals.blockUntil);
        internals.blockUntil = until;
        return until - Date.now() < 1;
      },
      ask: async () => {
        const token = `${this.id}:${asked++}`;
        const fetch = async () => (isEnding() ? undefined : await this.moveToActive(token, this.opts.name));
        try {
          const job = await internals.retryIfFailed(fetch, { delayInMs });
          failures = 0;
          return job;
        } catch {
          // It has been told of. One may be this job's alone; what lasts is not to be told of without a pause.
          failures += 1;
          if (failures > 1 && !isEnding()) await this.#delay(delayInMs);
          return undefined;
        }
      },
      run: async (job) => {
        try {
          return (await this.processJob(job, job.token ?? "", loop.hasRoom)) ?? undefined;
        } catch (error) {
          this.emit("error", asError(error));
          return undefined;
        }
      },
      rest: async () => {
        const now = Date.now();
        const heldMs = Math.max(internals.limitUntil - now, door.waitMs(now), 1);
        await this.#delay(Math.min(heldMs, MAX_REST_MS));
        // Word of what has come since may have gone to others, who are held as well.
        internals.drained = false;
      },
    });
    // What holds it may last, and then nothing else would tell it.
    this.once("closing", () => setImmediate(loop.look));
    // BullMQ wakes its loop by this.
    internals.mainLoopQueue = { add: loop.look };
    loop.look();
    await loop.ended;
    internals.mainLoopQueue = null;
  }

  /** Until then, or until BullMQ wants all that waits to go on, as it does when the worker is closed. */
  async #delay(ms: number | undefined): Promise<void> {
    const internals = this as unknown as Internals;
    internals.abortDelayController ??= new AbortController();
    await internals.delay(ms, internals.abortDelayController);
  }

  /**
   * Keeps BullMQ's loop from fetching while no slot is free. It then waits until a job ends; a slot that is free before that is told to it in
   * the way in which BullMQ itself wakes it.
   */
  #waitForSlots(): void {
    const internals = this as unknown as Internals;
    const isLimited = internals.isRateLimited.bind(this);
    const wake = (): void => internals.mainLoopQueue?.add(Promise.resolve());
    internals.isRateLimited = () => isLimited() || this.#door.waitsForSlot(wake);
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
      const next = Array.isArray(result) ? this.#next(result, token) : undefined;
      return { job: next instanceof Promise ? await next : next };
    } catch (error) {
      // A job that cannot be read is stalled in a while, as BullMQ leaves it. Its loop would never get over a throw from here.
      this.emit("error", asError(error));
      return { job: undefined };
    }
  }

  #next([json, id, limitMs, until]: readonly unknown[], token: string): OneJob | Promise<OneJob | undefined> {
    const internals = this as unknown as Internals;
    internals.updateDelays(limitMs as number, until as number);
    const next = json as JobJson | undefined;
    if (!next || next.repeatJobKey) return this.nextJobFromJobData(next, id as string, token);
    internals.drained = false;
    const job = this.createJob(next, id as string);
    job.token = token;
    this.emit("active", job, "waiting");
    return job;
  }
}

function idOf({ id }: OneJob): string {
  if (id === undefined) throw new TypeError("BullMQ handed over a job without an id");
  return id;
}
