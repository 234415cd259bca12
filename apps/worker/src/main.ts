import { type Capability, UnderstudyError } from "@understudy/core";
import { jobs } from "@understudy/jobs";
import { providers } from "@understudy/providers";
import type { Route } from "@understudy/resilience";
import { type Runtime, startRuntime } from "@understudy/runtime";
import type { Logger } from "pino";

import { readConfig, type WorkerConfig } from "./config.ts";
import { startHealthServer } from "./health-server.ts";
import { createLogger } from "./logger.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import { createRedisWatch } from "./redis-watch.ts";
import { reportTo } from "./report.ts";
import { createRoutes } from "./routes.ts";
import { dieWithoutSecrets, drainOnSignal } from "./shutdown.ts";

try {
  await main();
} catch (error) {
  if (!(error instanceof UnderstudyError)) throw error;
  console.error(error.message);
  process.exit(2);
}

async function main(): Promise<void> {
  const config = readConfig(process.env, jobs, providers);
  const log = createLogger(config.logLevel, jobs);
  dieWithoutSecrets(log);
  for (const suspicion of config.suspicions) log.warn({ event: "suspicious_variable" }, suspicion);
  const metrics = createMetrics();
  let runtime: Runtime | undefined;
  const isReady = (): boolean => runtime?.isReady() === true;
  const health = await startHealthServer(config.http, { isReady, metrics: () => metrics.text() });
  log.info(
    { event: "started", queues: config.queues, routes: Object.fromEntries(config.routes), port: health.port },
    "worker started",
  );

  const redisWatch = createRedisWatch({ log, url: config.redisUrl, isReady, now: Date.now });
  const report = reportTo(log, Date.now);
  runtime = startRuntime({
    redis: config.redisUrl,
    namespace: config.namespace,
    jobs,
    routes: routesOf(config, log, metrics),
    queues: config.queues,
    locks: { lockMs: config.lockMs, stalledCheckMs: config.stalledCheckMs },
    observe(event) {
      metrics.observe(event);
      if (event.event !== "trouble" || !redisWatch.take(event.error)) report(event);
    },
  });
  const looking = setInterval(() => redisWatch.look(), 1000);
  drainOnSignal({
    log,
    runtime,
    deadlineMs: config.drainDeadlineMs,
    before: () => clearInterval(looking),
    after: () => health.close(),
  });
}

function routesOf(config: WorkerConfig, log: Logger, metrics: Metrics): readonly Route[] {
  const capabilities = [...new Set<Capability>(jobs.map(({ capability }) => capability))].filter(({ name }) =>
    config.routes.has(name),
  );
  return createRoutes(config, capabilities, providers, (change) => {
    metrics.circuit(change);
    const { state, ...about } = change;
    log[state.at === "open" ? "warn" : "info"](
      { event: "circuit", ...about, ...state },
      `circuit of ${about.provider} is ${state.at}`,
    );
  });
}
