import { readFileSync } from "node:fs";

import { UnderstudyError } from "@understudy/core";
import { jobs } from "@understudy/jobs";
import { createOperator } from "@understudy/operator";
import { providers } from "@understudy/providers";
import type { Logger } from "pino";

import { type DashboardConfig, readConfig } from "./config.ts";
import { createLogger } from "./logger.ts";
import { connectRedis } from "./redis.ts";
import { startDashboard } from "./server.ts";
import { drainOnSignal } from "./shutdown.ts";
import { createOneTimeLink } from "./sign-in/one-time-link.ts";

try {
  await main();
} catch (error) {
  if (!(error instanceof UnderstudyError)) throw error;
  console.error(error.message);
  process.exit(2);
}

async function main(): Promise<void> {
  const config = readConfig(process.env, (path) => readFileSync(path, "utf8"));
  const log = createLogger(config.logLevel);
  const { redisUrl, namespace } = config;
  const redis = connectRedis(redisUrl);
  const operator = createOperator({ redis: redisUrl, namespace, jobs, providers });
  const known = Object.values(providers).map(({ name, adapters }) => ({
    name,
    capabilities: adapters.map(({ capability }) => capability.name as string),
  }));
  const link = config.hasOneTimeLink ? createOneTimeLink() : undefined;
  const dashboard = await startDashboard({ config, operator, redis, jobs, providers: known, link, log });
  sayStarted(log, config, dashboard.url, link?.token);
  drainOnSignal(log, async () => {
    await dashboard.close();
    await operator.close();
    redis.disconnect();
  });
}

function sayStarted(
  log: Logger,
  { users, oidc }: DashboardConfig,
  url: string,
  token: string | undefined,
): void {
  const link = token === undefined ? {} : { link: `${url}/sign-in/link?token=${token}` };
  log.info(
    { event: "started", url, users: users.length, oidc: oidc !== undefined, ...link },
    "dashboard started",
  );
}
