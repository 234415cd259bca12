import type { Logger } from "pino";

import type { MetricsJson } from "../metrics.ts";
import type { ProcessConfig, Role } from "../process-config.ts";
import { HEALTHY_MS, restartDelayMs } from "./back-off.ts";
import { createBuried } from "./sum-of-metrics.ts";
import { type End, forkWorker, type WorkerProcess, type WorkerState } from "./worker-process.ts";

/** The workers of one supervisor: as many as were asked for, each in its place, each restarted when it ends unasked. */
export interface Crew {
  start(): void;
  /** Every one of them serves. */
  isReady(): boolean;
  /** How many are in which state; waiting: for their restart. */
  states(): Readonly<Record<CrewState, number>>;
  restarts(): number;
  /** What each that lives counts, and what those that ended had counted. */
  metrics(): Promise<readonly MetricsJson[]>;
  /** Nobody is restarted any more. Gives how each ended, when the last has. */
  drain(signal: NodeJS.Signals): Promise<readonly Ended[]>;
  living(): readonly WorkerProcess[];
}

export type CrewState = WorkerState | "waiting";

export interface Ended {
  readonly number: number;
  readonly end: End;
}

interface Options {
  readonly config: ProcessConfig;
  readonly main: string;
  readonly log: Logger;
  readonly now: () => number;
  /** None can run as it is configured: a person is needed. */
  readonly onRefusal: (message: string) => void;
}

interface Place {
  readonly number: number;
  readonly role: Role;
  worker?: WorkerProcess;
  /** Since it was last healthy. */
  restarts: number;
  restart?: NodeJS.Timeout;
}

/** A worker that is asked for what it counts and does not answer in time is counted as it last did. */
const METRICS_WITHIN_MS = 1000;
const REFUSED = 2;

export function createCrew({ config, main, log, now, onRefusal }: Options): Crew {
  const places: readonly Place[] = Array.from({ length: config.processes }, (_, i) => ({
    number: i + 1,
    // One janitor is enough for all of them.
    role: i === 0 ? config.role : "work",
    restarts: 0,
  }));
  const buried = createBuried();
  const ends: Ended[] = [];
  let restarts = 0;
  let wasEverReady = false;
  let isDraining = false;
  let onLastEnd: () => void = () => undefined;

  const living = (): readonly WorkerProcess[] => places.flatMap(({ worker }) => worker ?? []);
  const start = (place: Place): void => {
    const worker = forkWorker({ main, number: place.number, role: place.role, now });
    place.worker = worker;
    void worker.ended.then((end) => ended(place, worker, end));
  };
  const ended = (place: Place, worker: WorkerProcess, end: End): void => {
    buried.bury(worker.lastMetrics());
    delete place.worker;
    wasEverReady ||= [worker, ...living()].some((one) => one.readyForMs() !== undefined);
    if (isDraining) {
      ends.push({ number: place.number, end });
      if (living().length === 0) onLastEnd();
    } else if (end.code === REFUSED && !wasEverReady) {
      onRefusal(end.refusal ?? `worker ${place.number} ended with status ${REFUSED}`);
    } else restart(place, worker, end);
  };
  const restart = (place: Place, worker: WorkerProcess, end: End): void => {
    if ((worker.readyForMs() ?? 0) >= HEALTHY_MS) place.restarts = 0;
    const delayMs = restartDelayMs(place.restarts);
    place.restarts += 1;
    const { number } = place;
    log.error(
      { event: "worker_ended", process: number, childPid: worker.pid, ...end, delayMs },
      `worker ${number} ended unasked (${howItEnded(end)}); ${lost(worker.running())}; restarting it ${delayMs === 0 ? "at once" : `in ${delayMs / 1000} s`}`,
    );
    place.restart = setTimeout(() => {
      start(place);
      restarts += 1;
      log.info(
        { event: "restarted", process: number, childPid: place.worker?.pid },
        `worker ${number} restarted`,
      );
    }, delayMs);
  };

  return {
    start() {
      if (!isDraining) places.forEach(start);
    },
    living,
    isReady: () => !isDraining && living().filter(isReadyNow).length === places.length,
    restarts: () => restarts,
    states() {
      const states = { starting: 0, ready: 0, unready: 0, silent: 0, draining: 0, waiting: 0 };
      for (const { worker, restart } of places)
        if (worker !== undefined) states[worker.state()] += 1;
        else if (restart !== undefined && !isDraining) states.waiting += 1;
      return states;
    },
    async metrics() {
      const parts = await Promise.all(
        living().map(async (worker) => ({ worker, metrics: await worker.metrics(METRICS_WITHIN_MS) })),
      );
      // One that ended while others were asked has been buried.
      const alive = parts.filter(({ worker }) => living().includes(worker));
      return [buried.counts(), ...alive.flatMap(({ metrics }) => (metrics === undefined ? [] : [metrics]))];
    },
    async drain(signal) {
      isDraining = true;
      for (const { restart } of places) clearTimeout(restart);
      const last = new Promise<void>((resolve) => {
        onLastEnd = resolve;
      });
      living().forEach((worker) => worker.drain(signal));
      if (living().length > 0) await last;
      return ends;
    },
  };
}

function isReadyNow(worker: WorkerProcess): boolean {
  return worker.state() === "ready";
}

export function howItEnded({ code, signal, error, refusal }: End): string {
  if (refusal !== undefined) return refusal;
  if (error !== undefined) return `it could not be started: ${error.message}`;
  return signal === null ? `status ${code}` : signal;
}

/** @param running jobs, as the worker last told: perhaps 100 ms ago */
export function lost(running: number): string {
  if (running === 0) return "it last told of no running job";
  const jobs = running === 1 ? "1 running job, which is" : `${running} running jobs, which are`;
  return `it last told of ${jobs} taken up again when the lock expires`;
}
