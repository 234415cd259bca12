import { join } from "node:path";

import { ensureRedis, type RedisHandle } from "../lib/redis/index.ts";
import { type App, type Line, startApp } from "./process.ts";

/** Everything the tour runs: Redis, the sandbox of providers, and the workers. */
export interface Platform {
  readonly redis: RedisHandle;
  readonly sandboxUrl: string;
  readonly namespace: string;
  readonly workers: readonly App[];
  /** Rejects when one of the processes ends unbidden. */
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

export const ROUTE = ["sendgrid", "mailgun", "smtp"] as const;

/** @param onLine is told of every JSON line of the workers */
export async function startPlatform(onLine: (worker: number, line: Line) => void): Promise<Platform> {
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
    const workers = [1, 2].map((number) =>
      startApp({
        name: `worker-${number}`,
        main: "apps/worker/src/main.ts",
        env,
        logDir,
        onLine: (line) => onLine(number, line),
      }),
    );
    stops.push(async () => {
      await Promise.all(workers.map((worker) => worker.stop(10_000)));
    });
    await Promise.all(workers.map((worker) => worker.first(({ event }) => event === "started")));
    let stopping = false;
    stops.push(async () => {
      stopping = true;
    });
    return {
      redis,
      sandboxUrl,
      namespace: NAMESPACE,
      workers,
      broken: firstToEnd([sandbox, ...workers], () => stopping),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Short times, so that an outage and its end fit into a minute. */
function workerEnvironment(redisUrl: string): Readonly<Record<string, string>> {
  return {
    NODE_ENV: "development",
    REDIS_URL: redisUrl,
    NAMESPACE,
    QUEUES: "email=10",
    ROUTE_EMAIL_SEND: ROUTE.join(","),
    HTTP_PORT: "0",
    LOG_LEVEL: "debug",
    CALL_TIMEOUT_MS: "1500",
    CIRCUIT_WINDOW_MS: "5000",
    CIRCUIT_OPEN_MS: "1500",
    CIRCUIT_MAX_OPEN_MS: "2000",
    DRAIN_DEADLINE_MS: "4000",
  };
}

async function environmentOf(sandboxUrl: string): Promise<Readonly<Record<string, string>>> {
  const response = await fetch(`${sandboxUrl}/env`);
  return (await response.json()) as Readonly<Record<string, string>>;
}

async function firstToEnd(apps: readonly App[], isExpected: () => boolean): Promise<never> {
  const code = await Promise.race(apps.map(async (app) => ({ name: app.name, code: await app.ended })));
  if (isExpected()) return await new Promise<never>(() => undefined);
  throw new Error(
    `${code.name} ended unbidden with status ${code.code}. Its log is ${join(".understudy/logs", `${code.name}.log`)}.`,
  );
}
