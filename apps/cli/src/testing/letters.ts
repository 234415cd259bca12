import { createClient } from "@understudy/client";
import {
  type AnyJob,
  type Cause,
  type Envelope,
  openEnvelope,
  type PayloadOf,
  type Trail,
  unlimited,
} from "@understudy/core";
import { openDeadLetters } from "@understudy/dead-letters";
import { connectWorker, familyOf, startConsumer } from "@understudy/queue";
import type { Space } from "@understudy/testkit";

export interface Death {
  readonly cause: Cause;
  readonly effect: "none" | "maybe";
  readonly trail: Trail;
  readonly reason: string;
}

const at = Date.now();
let orders = 0;

/** Refused by everybody it was sent to, so often that it was given up. */
export const exhausted: Death = {
  cause: "exhausted",
  effect: "none",
  trail: [
    { kind: "unavailable", code: "http_503", provider: "sendgrid", at: at - 5000, durationMs: 120 },
    { kind: "unavailable", code: "connect_failed", provider: "mailgun", at: at - 4000, durationMs: 8 },
  ],
  reason: "exhausted: mailgun connect_failed",
};

/** Sent, and no answer came. */
export const unknown: Death = {
  cause: "ambiguous",
  effect: "maybe",
  trail: [{ kind: "ambiguous", code: "timeout", provider: "stripe", at: at - 5000, durationMs: 15_000 }],
  reason: "ambiguous: stripe timeout",
};

/** Enqueues jobs, and has a BullMQ worker fail them for good as ours would; their ids. */
export async function deadLetters<J extends AnyJob>(
  { redisUrl, namespace }: Space,
  job: J,
  payloads: readonly PayloadOf<J>[],
  death: Death,
): Promise<readonly string[]> {
  const client = createClient({ redis: redisUrl, namespace });
  const enqueued = await client.enqueueMany(job, payloads, {
    // A random one looks like a card number now and then.
    idempotencyKey: () => `order-${(orders += 1)}`,
  });
  await client.close();
  const family = familyOf(job.queue, namespace);
  const redis = connectWorker(redisUrl);
  const store = openDeadLetters(redis, family);
  const all = Promise.withResolvers<void>();
  let left = payloads.length;
  const consumer = startConsumer({
    redis,
    family,
    concurrency: 20,
    capacity: () => unlimited,
    keepCompletedMs: 60_000,
    onError: () => undefined,
    process: ({ data }) =>
      Promise.resolve({
        data: JSON.stringify(ended(opened(data), death)),
        log: [],
        afterwards: () => undefined,
        move: { to: "failed", reason: death.reason },
      }),
    async afterFailed(id) {
      await store.take(id);
      left -= 1;
      if (left === 0) all.resolve();
    },
  });
  await all.promise;
  await consumer.close({ deadlineMs: 1000 });
  redis.disconnect();
  return enqueued.map(({ id }) => id);
}

function opened(data: unknown): Envelope {
  const found = openEnvelope(data);
  if (found.at !== "open") throw new TypeError("a client seals envelopes");
  return found.envelope;
}

function ended(envelope: Envelope, { cause, effect, trail }: Death): Envelope {
  return {
    ...envelope,
    attempt: 1,
    startsSettled: envelope.startsSettled + 1,
    trail,
    ended: { cause, effect, at: Date.now() },
  };
}
