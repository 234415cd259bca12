import { Counter, Gauge, Registry } from "prom-client";

import { startHealthServer } from "../health-server.ts";
import { createLogger } from "../logger.ts";
import type { ProcessConfig } from "../process-config.ts";
import { steadyNow } from "../steady-clock.ts";
import { type Crew, createCrew } from "./crew.ts";
import { drainCrewOnSignal } from "./drain-crew.ts";
import { sumOfMetrics } from "./sum-of-metrics.ts";

/**
 * Keeps several workers running and answers for them all. It runs no job, and knows neither Redis nor providers.
 * @param main what each worker is started from
 * @throws UnderstudyError config_invalid when it cannot listen
 */
export async function supervise(config: ProcessConfig, main: string): Promise<void> {
  const { role, processes, drainDeadlineMs: deadlineMs } = config;
  const log = createLogger(config.logLevel, [], []);
  process.on("uncaughtException", (error) => {
    log.fatal({ event: "crashed", error }, `the supervisor crashed: ${error.message}; its workers drain`);
    log.flush();
    process.exit(1);
  });
  let refuse = (): void => undefined;
  const crew = createCrew({
    config,
    main,
    log,
    now: steadyNow,
    onRefusal(message) {
      console.error(message);
      refuse();
    },
  });
  const health = await startHealthServer(config.http, {
    isReady: () => crew.isReady(),
    metrics: () => textOf(crew),
  });
  // Before there is a worker that a signal could leave alone.
  refuse = drainCrewOnSignal({ log, crew, deadlineMs, after: () => health.close() });
  log.info(
    { event: "started", role, processes, port: health.port },
    `supervisor of ${processes} workers started`,
  );
  crew.start();
}

async function textOf(crew: Crew): Promise<string> {
  const parts = await crew.metrics();
  return await sumOfMetrics([...parts, await ownMetrics(crew).getMetricsAsJSON()]).metrics();
}

function ownMetrics(crew: Crew): Registry {
  const own = new Registry();
  const registers = [own];
  const processes = new Gauge({
    name: "understudy_worker_processes",
    help: "Worker processes of this supervisor by state; silent: alive, and blocked by something",
    labelNames: ["state"],
    registers,
  });
  for (const [state, count] of Object.entries(crew.states())) processes.set({ state }, count);
  new Counter({
    name: "understudy_worker_restarts_total",
    help: "Worker processes that ended unasked and were started again",
    registers,
  }).inc(crew.restarts());
  return own;
}
