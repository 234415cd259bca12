import { type Client, createClient, EnqueueError } from "@understudy/client";
import { mayBeDuplicated, openEnvelope } from "@understudy/core";
import { chargeCard, welcomeEmail } from "@understudy/jobs";
import { familyOf, keyOf as redisKeyOf, locate, type Located } from "@understudy/queue";

import { startProgram } from "./program.ts";
import type { Stage } from "./stage.ts";
import type { Fate, System } from "./system.ts";
import { chargeOf, chargeRoute, idOf, keyOf, type Kind, mailOf, mailRoute } from "./workload.ts";

const families = { charge: familyOf("payments"), mail: familyOf("email") } as const;

/** Understudy, with the times of a bench: what takes minutes by default takes seconds here. */
export async function ours({ redisUrl, redis, sandbox }: Stage): Promise<System> {
  const client = createClient({ redis: redisUrl });
  const env = {
    ...(await sandbox.env()),
    REDIS_URL: redisUrl,
    NODE_ENV: "development",
    LOG_LEVEL: "info",
    HTTP_PORT: "0",
    QUEUES: "email=20,payments=20",
    ROUTE_EMAIL_SEND: mailRoute.join(","),
    ROUTE_PAYMENT_CHARGE: chargeRoute.join(","),
    ROUTE_PAYMENT_REFUND: chargeRoute.join(","),
    CALL_TIMEOUT_MS: "1000",
    LOCK_MS: "3000",
    STALLED_CHECK_MS: "1000",
    CIRCUIT_OPEN_MS: "500",
    CIRCUIT_MAX_OPEN_MS: "2000",
    LOOK_UP_AFTER_MS: "2000",
  };
  return {
    startWorker: () => startProgram("apps/worker/src/main.ts", env, (line) => line["event"] === "started"),
    async enqueue(kind, numbers) {
      for (let isStored = false; !isStored;) isStored = await store(client, kind, numbers);
    },
    async ended() {
      const counts = await Promise.all(
        Object.values(families).flatMap((family) => [
          redis.zcard(redisKeyOf(family, "name", "completed")),
          redis.zcard(redisKeyOf(family, "dead", "failed")),
        ]),
      );
      return counts.reduce((a, b) => a + b, 0);
    },
    fateOf: async (kind, n) => fateOf(await locate(redis, families[kind], idOf[kind](n))),
    [Symbol.asyncDispose]: () => client.close(),
  };
}

/** @returns false when Redis did not acknowledge them; storing them again doubles none */
async function store(client: Client, kind: Kind, numbers: readonly number[]): Promise<boolean> {
  const byKey = { idempotencyKey: (_: unknown, i: number): string => keyOf(numbers[i] ?? 0) };
  try {
    await (kind === "charge"
      ? client.enqueueMany(chargeCard, numbers.map(chargeOf), byKey)
      : client.enqueueMany(welcomeEmail, numbers.map(mailOf), byKey));
    return true;
  } catch (error) {
    if (error instanceof EnqueueError && error.code === "redis_unreachable") return false;
    throw error;
  }
}

function fateOf({ place, data = "null", returnValue = "null" }: Located): Fate {
  if (place === "absent") return { end: "unheard_of" };
  const value = JSON.parse(data) as {
    readonly deadLetter?: { readonly effect: "none" | "maybe" };
    readonly payload?: unknown;
  };
  const opened = openEnvelope(place === "dead" ? value.payload : value);
  const trail = opened.at === "open" ? opened.envelope.trail : [];
  const isLabelled = mayBeDuplicated(trail);
  if (place === "completed") {
    const receipt = JSON.parse(returnValue) as { readonly status?: string };
    const wasLookedUp = trail.some(({ lookUp }) => lookUp);
    return receipt.status === "declined" ? { end: "declined" } : { end: "done", isLabelled, wasLookedUp };
  }
  if (place !== "dead") return { end: "open" };
  return { end: "dead", effect: value.deadLetter?.effect ?? "maybe", isLabelled };
}
