import { createClient } from "@understudy/client";
import {
  type AnyProvider,
  defineCapability,
  defineJob,
  defineProvider,
  type Envelope,
  ENVELOPE_VERSION,
  openEnvelope,
  type Outcome,
} from "@understudy/core";
import { openDeadLetters } from "@understudy/dead-letters";
import {
  announceWorker,
  connectWorker,
  type Family,
  familyOf,
  keyOf,
  type Redis,
  type WorkerInfo,
} from "@understudy/queue";
import { newSpace } from "@understudy/testkit";
import { onTestFinished } from "vitest";
import * as z from "zod";

import type { Operator, Who } from "../face.ts";
import { createOperator } from "../operator.ts";
import type { Role } from "../roles.ts";

const note = defineCapability({
  name: "test.note",
  request: z.object({ to: z.string(), n: z.number() }),
  receipt: z.object({}),
  duplicates: "tolerated",
});
const pay = defineCapability({
  name: "test.pay",
  request: z.object({ amount: z.number().positive() }),
  receipt: z.object({}),
  duplicates: "forbidden",
});
export const noteJob = defineJob({
  name: "note",
  queue: "notes",
  payload: z.object({ to: z.string(), n: z.number(), about: z.string().optional() }),
  capability: note,
  toRequest: ({ to, n }) => ({ to, n }),
  sensitive: ["to"],
});
const payJob = defineJob({
  name: "pay",
  queue: "money",
  payload: z.object({ amount: z.number().positive() }),
  capability: pay,
  toRequest: (payload) => payload,
});

const HOUR = 3_600_000;
const config = z.object({});
const never = (): never => {
  throw new TypeError("nobody is asked here");
};

/** a and b serve notes; bank can be asked what became of a payment, vault cannot. */
const providers: Readonly<Record<string, AnyProvider>> = Object.fromEntries(
  [
    defineProvider({
      name: "a",
      config,
      sandboxConfig: {},
      adapters: [{ capability: note, idempotency: "none", create: never }],
    }),
    defineProvider({
      name: "b",
      config,
      sandboxConfig: {},
      adapters: [{ capability: note, idempotency: "none", create: never, accepts: ({ n }) => n < 100 }],
    }),
    defineProvider({
      name: "bank",
      config,
      sandboxConfig: {},
      adapters: [
        {
          capability: pay,
          idempotency: { horizonMs: 24 * HOUR, maxKeyLength: 255 },
          create: never,
          lookUp: { trustNotFoundAfterMs: 0, create: never },
        },
      ],
    }),
    defineProvider({
      name: "vault",
      config,
      sandboxConfig: {},
      adapters: [{ capability: pay, idempotency: { horizonMs: HOUR, maxKeyLength: 255 }, create: never }],
    }),
  ].map((provider) => [provider.name, provider]),
);

export interface Dying {
  readonly job?: "note" | "pay";
  readonly payload?: unknown;
  readonly cause?: "exhausted" | "rejected" | "ambiguous";
  readonly effect?: "none" | "maybe";
  readonly trail?: readonly (readonly [provider: string, kind: Outcome["kind"], code: string])[];
  readonly reason?: string;
  /** Milliseconds ago. */
  readonly ago?: number;
  readonly more?: Partial<Envelope>;
}

export interface Stage {
  readonly redis: Redis;
  readonly namespace: string;
  readonly redisUrl: string;
  readonly operator: Operator;
  readonly notes: Family;
  readonly money: Family;
  /** A dead letter. @returns its id */
  letter(id: string, dying?: Dying): Promise<string>;
  /** The envelope of a job, dead or alive. */
  envelope(id: string): Promise<Envelope>;
  /** A worker that says it lives, with these routes. */
  worker(
    routes: Readonly<Record<string, readonly string[]>>,
    circuits?: WorkerInfo["circuits"],
    id?: string,
  ): Promise<void>;
}

export function somebody(role: Role = "admin", reason = "for a test", name = "ada"): Who {
  return { by: { name, role }, reason };
}

export function newStage(): Stage {
  const { redisUrl, namespace } = newSpace();
  const redis = connectWorker(redisUrl);
  const operator = createOperator({ redis: redisUrl, namespace, jobs: [noteJob, payJob], providers });
  const notes = familyOf("notes", namespace);
  const money = familyOf("money", namespace);
  onTestFinished(async () => {
    await operator.close();
    redis.disconnect();
  });
  return {
    redis,
    namespace,
    redisUrl,
    operator,
    notes,
    money,
    async letter(
      id,
      {
        job = "note",
        cause = "exhausted",
        effect = "none",
        trail = [["a", "unavailable", "http_503"]],
        reason,
        ago = 0,
        payload = job === "note" ? { to: "ada@example.com", n: 1 } : { amount: 5 },
        more = {},
      } = {},
    ) {
      const family = job === "note" ? notes : money;
      const at = Date.now() - ago;
      const envelope: Envelope = {
        v: ENVELOPE_VERSION,
        payload,
        fingerprint: "f",
        idempotencyKey: id,
        enqueuedAt: at - 1000,
        lifeStartedAt: at - 1000,
        generation: 1,
        attempt: trail.length,
        startsSettled: 1,
        trail: trail.map(
          ([provider, kind, code]) => ({ kind, code, provider, at, durationMs: 1 }) as Outcome,
        ),
        ended: { cause, effect, at },
        ...more,
      };
      await redis.sadd(`${namespace}:families`, family.name);
      await redis.hset(keyOf(family, "name", id), {
        name: job,
        data: JSON.stringify(envelope),
        opts: "{}",
        timestamp: String(at),
        finishedOn: String(at),
        failedReason: reason ?? `${cause}: ${trail.at(-1)?.join(" ") ?? ""}`,
        ats: "1",
        stacktrace: "[]",
      });
      await redis.zadd(keyOf(family, "name", "failed"), at, id);
      await openDeadLetters(redis, family).take(id);
      return id;
    },
    async envelope(id) {
      for (const family of [notes, money]) {
        for (const queue of ["dead", "name"] as const) {
          const data = await redis.hget(keyOf(family, queue, id), "data");
          if (data === null) continue;
          const value = JSON.parse(data) as {
            readonly payload: Envelope;
            readonly tombstone?: true;
          } & Envelope;
          if (value.tombstone === true) continue;
          const opened = openEnvelope(queue === "dead" ? value.payload : value);
          if (opened.at !== "open") throw new Error(`the envelope of ${id} cannot be read`);
          return opened.envelope;
        }
      }
      throw new Error(`there is no job ${id}`);
    },
    async worker(routes, circuits = {}, id = "w1") {
      const about = {
        id,
        host: "h",
        pid: 1,
        role: "work",
        queues: ["notes", "money"],
        circuits,
        startedAt: 1,
      };
      await announceWorker(redis, namespace, { ...about, routes });
    },
  };
}

/** A client of the stage's namespace, closed at the end of the test. */
export function clientOf({ redisUrl, namespace }: Stage): ReturnType<typeof createClient> {
  const client = createClient({ redis: redisUrl, namespace });
  onTestFinished(() => client.close());
  return client;
}
