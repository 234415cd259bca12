import { type Capability, UnderstudyError } from "@understudy/core";
import { jobs } from "@understudy/jobs";
import { providers } from "@understudy/providers";
import { startRuntime } from "@understudy/runtime";

import { readConfig, type WorkerConfig } from "./config.ts";
import { startHealthServer } from "./health-server.ts";
import { createLogger } from "./logger.ts";
import { createMetrics } from "./metrics.ts";
import { reportTo } from "./report.ts";
import { createRoutes } from "./routes.ts";
import { drainOnSignal } from "./shutdown.ts";

const config = configOrExit();
const log = createLogger(config.logLevel, jobs);
const metrics = createMetrics();
const capabilities = [...new Set<Capability>(jobs.map(({ capability }) => capability))].filter(({ name }) =>
  config.routes.has(name),
);
const routes = createRoutes(config, capabilities, providers, (change) => {
  metrics.circuit(change);
  const { state, ...about } = change;
  log[state.at === "open" ? "warn" : "info"](
    { event: "circuit", ...about, ...state },
    `circuit of ${about.provider} is ${state.at}`,
  );
});
const report = reportTo(log);
const runtime = startRuntime({
  redis: config.redisUrl,
  namespace: config.namespace,
  jobs,
  routes,
  queues: config.queues,
  locks: { lockMs: config.lockMs, stalledCheckMs: config.stalledCheckMs },
  observe: (event) => {
    metrics.observe(event);
    report(event);
  },
});
const health = await startHealthServer(config.http, {
  isReady: () => runtime.isReady(),
  metrics: () => metrics.text(),
});
log.info(
  { event: "started", queues: config.queues, routes: Object.fromEntries(config.routes), port: health.port },
  "worker started",
);
drainOnSignal({ log, runtime, deadlineMs: config.drainDeadlineMs, afterwards: () => health.close() });

function configOrExit(): WorkerConfig {
  try {
    return readConfig(process.env, jobs, providers);
  } catch (error) {
    if (!(error instanceof UnderstudyError)) throw error;
    console.error(error.message);
    process.exit(2);
  }
}
