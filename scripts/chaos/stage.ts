import { randomUUID } from "node:crypto";

import { type Client, createClient } from "@understudy/client";
import { connectWorker, type Family, familyOf, type Redis } from "@understudy/queue";
import { onTestFinished } from "vitest";

import { startApp } from "../tour/process.ts";
import { type ChaosSandbox, chaosSandboxAt } from "./sandbox.ts";
import { type ChaosWorker, logDir, startChaosWorker } from "./worker.ts";

/** What a scenario plays on: a queue of its own, the sandbox of providers, and as many workers as it wants. */
export interface Stage {
  readonly redis: Redis;
  readonly family: Family;
  readonly client: Client;
  readonly sandbox: ChaosSandbox;
  /** The order in which providers are asked. */
  readonly route: readonly string[];
  startWorker(): Promise<ChaosWorker>;
}

interface StageOptions {
  readonly redisUrl: string;
  readonly route: readonly string[];
  /** Of the workers, besides `usual`. */
  readonly env?: Readonly<Record<string, string>>;
  /** How long an enqueue may take before the producer hears that it failed. */
  readonly enqueueMs?: number;
}

/** A circuit that never opens, so that a fault stays felt. */
const usual = {
  HTTP_PORT: "0",
  LOG_LEVEL: "info",
  NODE_ENV: "development",
  QUEUES: "email=20",
  CIRCUIT_MIN_CALLS: "10000",
} as const;

/** So that a lost worker is noticed within a test. */
export const quickLocks = { LOCK_MS: "2000", STALLED_CHECK_MS: "1000" } as const;

/** Sets the stage up for one test, and clears it whatever becomes of the test. */
export async function openStage({
  redisUrl,
  route,
  env = {},
  enqueueMs = 5000,
}: StageOptions): Promise<Stage> {
  const namespace = `chaos-${randomUUID().slice(0, 8)}`;
  const redis = connectWorker(redisUrl);
  // The scenario itself takes Redis away at times.
  redis.on("error", () => undefined);
  const client = createClient({ redis: redisUrl, namespace, deadlineMs: enqueueMs });
  const sandboxApp = await startSandbox();
  const workers = new Set<ChaosWorker>();
  onTestFinished(async () => {
    await Promise.all([...workers].map((worker) => worker.kill()));
    await sandboxApp.stop();
    await client.close();
    redis.disconnect();
  });
  const sandbox = chaosSandboxAt(sandboxApp.url);
  const environment = {
    ...(await sandbox.env()),
    ...usual,
    REDIS_URL: redisUrl,
    NAMESPACE: namespace,
    ROUTE_EMAIL_SEND: route.join(","),
    ...env,
  };
  return {
    redis,
    family: familyOf("email", namespace),
    client,
    sandbox,
    route,
    async startWorker() {
      const worker = await startChaosWorker(environment);
      workers.add(worker);
      return worker;
    },
  };
}

async function startSandbox(): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const app = startApp({
    name: "sandbox",
    main: "apps/sandbox/src/main.ts",
    env: { SANDBOX_PORT: "0" },
    logDir,
  });
  const { sandbox } = await app.first((line) => "sandbox" in line);
  return { url: String(sandbox), stop: () => app.stop(2000) };
}
