import { parseArgs } from "node:util";

import { UnderstudyError } from "@understudy/core";
import { jobs } from "@understudy/jobs";
import { providers } from "@understudy/providers";
import type { Route } from "@understudy/resilience";
import type { Logger } from "pino";

import { readConfig, type WorkerConfig } from "./config.ts";
import { type FleetReport, startFleetReport } from "./fleet.ts";
import { startHealthServer } from "./health-server.ts";
import { createLogger } from "./logger.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import { createRedisWatch } from "./redis-watch.ts";
import { reportTo } from "./report.ts";
import { createRoutes } from "./routes.ts";
import { type Services, startServices } from "./services.ts";
import { dieWithoutSecrets, drainOnSignal } from "./shutdown.ts";

try {
  await main();
} catch (error) {
  if (!(error instanceof UnderstudyError)) throw error;
  console.error(error.message);
  process.exit(2);
}

async function main(): Promise<void> {
  const config = readConfig({ ...process.env, ...roleFlag() }, jobs, providers);
  const log = createLogger(config.logLevel, jobs, Object.values(providers));
  let running: Services | undefined;
  dieWithoutSecrets(log, () => running?.running() ?? []);
  for (const suspicion of config.suspicions) log.warn({ event: "suspicious_variable" }, suspicion);
  const metrics = createMetrics();
  const isReady = (): boolean => running?.isReady() === true;
  const health = await startHealthServer(config.http, { isReady, metrics: () => metrics.text() });
  log.info(
    {
      event: "started",
      role: config.role,
      queues: config.queues,
      routes: Object.fromEntries(config.routes),
      port: health.port,
    },
    "worker started",
  );

  const redisWatch = createRedisWatch({ log, url: config.redisUrl, isReady, now: Date.now });
  const report = reportTo(log, Date.now);
  const fleet = startFleetReport(config, jobs);
  const services = await startServices(config, routesOf(config, log, metrics, fleet), (event) => {
    metrics.observe(event);
    fleet.observe(event);
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
      await fleet.close();
      await health.close();
    },
  });
}

function routesOf(config: WorkerConfig, log: Logger, metrics: Metrics, fleet: FleetReport): readonly Route[] {
  return createRoutes(config, jobs, providers, (change) => {
    metrics.circuit(change);
    fleet.circuit(change);
    const { state, ...about } = change;
    log[state.at === "open" ? "warn" : "info"](
      { event: "circuit", ...about, ...state },
      `circuit of ${about.provider} is ${state.at}`,
    );
  });
}

/** `--role janitor` is the same as ROLE=janitor, and stronger. */
function roleFlag(): { readonly ROLE?: string } {
  try {
    const { role } = parseArgs({ options: { role: { type: "string" } } }).values;
    return role === undefined ? {} : { ROLE: role };
  } catch (error) {
    throw new UnderstudyError(
      "config_invalid",
      `${error instanceof Error ? error.message : String(error)} The only flag is --role both|work|janitor.`,
    );
  }
}
