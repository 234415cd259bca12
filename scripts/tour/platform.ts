import { join } from "node:path";

import { ensureRedis, type RedisHandle } from "../lib/redis/index.ts";
import { type App, type Line, startApp } from "./process.ts";
import { routes } from "./routes.ts";

/** Everything the tour runs: Redis, the sandbox of providers, the workers and the dashboard. */
export interface Platform {
  readonly redis: RedisHandle;
  readonly sandboxUrl: string;
  readonly namespace: string;
  readonly workerPids: readonly number[];
  /** Signs whoever opens it first in to the dashboard, once. */
  readonly dashboardLink: string;
  /** Rejects when the sandbox ends unbidden, or a worker that cannot be started again. */
  readonly broken: Promise<never>;
  stop(): Promise<void>;
}

const repo = join(import.meta.dirname, "../..");
const logDir = join(repo, ".understudy/logs");

/**
 * Its own, so that a REDIS_URL which happens to be your production's is safe: these workers hand mail to a sandbox and
 * must never see a real job.
 */
const NAMESPACE = "sandbox";

interface Watcher {
  /** Told of every JSON line of the workers. */
  onLine(worker: number, line: Line): void;
  /** Told when a worker ended unbidden; another takes its place. */
  onLost(worker: number, how: string): void;
}

export async function startPlatform(watcher: Watcher): Promise<Platform> {
  const stops: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    for (const step of stops.splice(0).toReversed()) await step();
  };
  try {
    const redis = await ensureRedis({ dataDir: join(repo, ".understudy/redis") });
    stops.push(() => redis.stop());
    const sandbox = startApp({
      name: "sandbox",
      main: "apps/sandbox/src/main.ts",
      env: { SANDBOX_PORT: "0" },
      logDir,
    });
    stops.push(() => sandbox.stop(2000));
    const { sandbox: sandboxUrl } = (await sandbox.first((line) => "sandbox" in line)) as {
      readonly sandbox: string;
    };
    const env = { ...(await environmentOf(sandboxUrl)), ...workerEnvironment(redis.url) };
    const workers = [1, 2].map((number) => keepWorker(number, env, watcher));
    stops.push(async () => {
      await Promise.all(workers.map((worker) => worker.stop()));
    });
    const dashboard = startDashboard(redis.url);
    stops.push(() => dashboard.stop(5000));
    // At once: when it is up before the workers are, it says so before anybody would ask.
    const dashboardUp = dashboard.first(({ event }) => event === "started");
    // Whoever waits for it hears of its failure there.
    dashboardUp.catch(() => undefined);
    const workerPids = await Promise.all(workers.map((worker) => worker.started));
    const { link } = await dashboardUp;
    const broken = Promise.race([
      endOf(sandbox),
      endOf(dashboard),
      ...workers.map((worker) => worker.broken),
    ]);
    return {
      redis,
      sandboxUrl,
      namespace: NAMESPACE,
      workerPids,
      dashboardLink: String(link),
      broken,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** On loopback, for whoever reads its link from the screen. */
function startDashboard(redisUrl: string): App {
  return startApp({
    name: "dashboard",
    main: "apps/dashboard/src/main.ts",
    env: {
      REDIS_URL: redisUrl,
      NAMESPACE,
      DASHBOARD_HOST: "127.0.0.1",
      DASHBOARD_PORT: process.env["DASHBOARD_PORT"] ?? "0",
      DASHBOARD_ONE_TIME_LINK: "1",
      DASHBOARD_ENVIRONMENT: "sandbox",
      LOG_LEVEL: "info",
    },
    logDir,
  });
}

interface KeptWorker {
  /** Its process id, once it runs. */
  readonly started: Promise<number>;
  /** Rejects when it cannot be kept running. */
  readonly broken: Promise<never>;
  stop(): Promise<void>;
}

/** Does what a supervisor does: a worker that ends unbidden is started again. */
function keepWorker(number: number, env: Readonly<Record<string, string>>, watcher: Watcher): KeptWorker {
  const name = `worker-${number}`;
  let stopping = false;
  const start = (isAgain: boolean): App =>
    startApp({
      name,
      main: "apps/worker/src/main.ts",
      env,
      logDir,
      isAgain,
      onLine: (line) => watcher.onLine(number, line),
    });
  let app = start(false);
  const isStarted = ({ event }: Line): boolean => event === "started";
  const first = app.first(isStarted);

  const keep = async (): Promise<never> => {
    await first;
    for (;;) {
      const how = await app.ended;
      if (stopping) return await new Promise<never>(() => undefined);
      watcher.onLost(number, String(how));
      app = start(true);
      // One that cannot even start is not worth another try.
      await app.first(isStarted);
    }
  };
  const broken = keep();
  // Whoever waits for the start hears of its failure there.
  broken.catch(() => undefined);
  return {
    started: first.then(({ pid }) => Number(pid)),
    broken,
    async stop() {
      stopping = true;
      await app.stop(10_000);
    },
  };
}

async function endOf(app: App): Promise<never> {
  const how = await app.ended;
  throw new Error(
    `The ${app.name} ended unbidden (${how}). Its log is ${join(".understudy/logs", `${app.name}.log`)}.`,
  );
}

/** Short times, so that an outage and its end fit into a minute. */
function workerEnvironment(redisUrl: string): Readonly<Record<string, string>> {
  return {
    NODE_ENV: "development",
    REDIS_URL: redisUrl,
    NAMESPACE,
    QUEUES: "email=10,payments=5,analytics=10",
    ROUTE_EMAIL_SEND: routes["email.send"].join(","),
    ROUTE_PAYMENT_CHARGE: routes["payment.charge"].join(","),
    ROUTE_PAYMENT_REFUND: routes["payment.refund"].join(","),
    ROUTE_ANALYTICS_TRACK: routes["analytics.track"].join(","),
    HTTP_PORT: "0",
    LOG_LEVEL: "debug",
    LOCK_MS: "5000",
    STALLED_CHECK_MS: "1000",
    CALL_TIMEOUT_MS: "1500",
    CIRCUIT_WINDOW_MS: "5000",
    // A charge is to stay with it in the tour, and not to go to the next one before anything was sent.
    CIRCUIT_STRIPE_MIN_CALLS: "50",
    CIRCUIT_STRIPE_FAILURES_IN_A_ROW: "50",
    CIRCUIT_OPEN_MS: "1500",
    CIRCUIT_MAX_OPEN_MS: "2000",
    CIRCUIT_PROBE_EVERY_MS: "1000",
    CIRCUIT_RAMP_MS: "400",
    DRAIN_DEADLINE_MS: "4000",
  };
}

async function environmentOf(sandboxUrl: string): Promise<Readonly<Record<string, string>>> {
  const response = await fetch(`${sandboxUrl}/env`);
  return (await response.json()) as Readonly<Record<string, string>>;
}
