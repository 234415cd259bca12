import { createHash } from "node:crypto";

import rateLimit from "@fastify/rate-limit";
import type { Redis } from "@understudy/queue";
import type { FastifyInstance, FastifyRequest } from "fastify";

/** Seconds to wait; undefined when it may be tried. Counts the try. */
export type Limit = (request: FastifyRequest) => Promise<number | undefined>;

export interface SignInLimits {
  readonly perAddress?: number;
  readonly perName?: number;
}

const WINDOW_MS = 600_000;

/** Counted in Redis, so that they hold over all replicas. */
export async function createLimit(
  app: FastifyInstance,
  redis: Redis,
  namespace: string,
  { perAddress = 30, perName = 10 }: SignInLimits,
): Promise<Limit> {
  const nameSpace = `${namespace}:{dashboard}:tries:`;
  await app.register(rateLimit, { global: false, redis, nameSpace, skipOnError: false });
  const address = app.createRateLimit({
    max: perAddress,
    timeWindow: WINDOW_MS,
    keyGenerator: ({ ip }) => `address:${ip}`,
  });
  const name = app.createRateLimit({
    max: perName,
    timeWindow: WINDOW_MS,
    keyGenerator: ({ body }) => `name:${hashOf(body)}`,
  });
  return async (request) => {
    for (const check of [address, name]) {
      const answer = await check(request);
      if (!answer.isAllowed && answer.isExceeded) return Math.max(1, answer.ttlInSeconds);
    }
    return undefined;
  };
}

/** Of the name that is tried: somebody may have typed their password there. */
function hashOf(body: unknown): string {
  const name = typeof body === "object" && body !== null && "name" in body ? body.name : "";
  return createHash("sha256").update(String(name).toLowerCase().trim()).digest("hex");
}
