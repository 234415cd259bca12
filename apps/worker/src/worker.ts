import { randomBytes } from "node:crypto";
import { hostname } from "node:os";

import { jobs } from "@understudy/jobs";
import { providers } from "@understudy/providers";
import { defaultCircuit, openPaceStore } from "@understudy/resilience";

import { watchBackups } from "./backups.ts";
import { readConfig } from "./config.ts";
import type { Env } from "./env.ts";
import type { FleetEvent } from "./fleet-events.ts";
import { startFleetReport } from "./fleet.ts";
import { startHealthServer } from "./health-server.ts";
import { createLogger } from "./logger.ts";
import { joinTheFleet } from "./membership.ts";
import { createMetrics } from "./metrics.ts";
import { noticesTo, notifyAll } from "./notices.ts";
import { createRedisWatch } from "./redis-watch.ts";
import { reportTo } from "./report.ts";
import { type CircuitChange, createRoutes, ownEventOf } from "./routes.ts";
import { type Services, startServices } from "./services.ts";
import { dieWithoutSecrets, drainOnSignal } from "./shutdown.ts";
import { answerSupervisor } from "./supervisor/answer-supervisor.ts";

/**
 * The whole of one worker. Under a supervisor it listens on no port: what is asked there is answered by what it tells.
 * @param number of this worker under its supervisor
 * @throws UnderstudyError config_invalid
 */
export async function runWorker(env: Env, number: number | undefined): Promise<void> {
  const config = readConfig(env, jobs, providers);
  const logger = createLogger(config.logLevel, jobs, Object.values(providers));
  const log = number === undefined ? logger : logger.child({ process: number });
  let running: Services | undefined;
  dieWithoutSecrets(log, () => running?.running() ?? []);
  // Their environment is the same: one of them tells.
  for (const suspicion of (number ?? 1) === 1 ? config.suspicions : [])
    log.warn({ event: "suspicious_variable" }, suspicion);
  const metrics = createMetrics(jobs);
  const isReady = (): boolean => running?.isReady() === true;
  const health =
    number === undefined
      ? await startHealthServer(config.http, { isReady, metrics: () => metrics.text() })
      : undefined;
  log.info(
    {
      event: "started",
      role: config.role,
      backend: config.backend,
      queues: config.queues,
      routes: Object.fromEntries([...config.routes].map(([name, { providers: names }]) => [name, names])),
      port: health?.port,
    },
    "worker started",
  );

  const redisWatch = createRedisWatch({ log, url: config.redisUrl, isReady, now: Date.now });
  const report = reportTo(log, Date.now);
  const fleet = startFleetReport(config, jobs, (provider, capability) => {
    return (config.circuits.get(`${provider} ${capability}`) ?? defaultCircuit).slowMs;
  });
  // Whoever else is to be told, a pager or a chat, comes here.
  const notify = notifyAll(log, [noticesTo(log)]);
  const tell = (event: FleetEvent): void => {
    metrics.fleet(event);
    notify(event);
  };
  const membership = joinTheFleet(config, nameOfThisWorker(), tell);
  const { member, redis } = membership;
  const pace = openPaceStore(redis, config.namespace);
  const onCircuit = (change: CircuitChange): void => {
    metrics.circuit(change);
    fleet.circuit(change);
    const event = ownEventOf(change);
    if (event !== undefined) tell(event);
  };
  const unwatch = watchBackups(config, redis, tell);
  const routes = createRoutes({ config, jobs, providers, member, pace, onCircuit });
  const services = await startServices(config, routes, (event) => {
    metrics.observe(event);
    fleet.observe(event);
    if (event.event === "failover") notify(event);
    if (event.event !== "trouble" || !redisWatch.take(event.error)) report(event);
  });
  running = services;
  const looking = setInterval(() => redisWatch.look(), 1000);
  drainOnSignal({
    log,
    services,
    deadlineMs: config.drainDeadlineMs,
    before: () => clearInterval(looking),
    after: async () => {
      unwatch();
      await fleet.close();
      membership.close();
      await health?.close();
    },
  });
  if (number !== undefined)
    answerSupervisor({ isReady, running: () => services.running().length, metrics: () => metrics.json() });
}

/** Stands in the fleet's history, so it is one that a person can find. */
function nameOfThisWorker(): string {
  return `${hostname()}:${process.pid}:${randomBytes(2).toString("hex")}`;
}
