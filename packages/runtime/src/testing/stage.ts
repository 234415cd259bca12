import { createClient, type Client } from "@understudy/client";
import {
  type AnyJob,
  type Capability,
  defineCapability,
  defineJob,
  type Delivered,
  type Envelope,
  type Failure,
  openEnvelope,
  unlimited,
} from "@understudy/core";
import { createOperator, type Operator, type Who } from "@understudy/operator";
import { connectWorker, type Family, familyOf, type Located, locate, type Redis } from "@understudy/queue";
import type { Link, Route } from "@understudy/resilience";
import { newSpace, type Space, until } from "@understudy/testkit";
import { Queue } from "bullmq";
import { onTestFinished } from "vitest";
import * as z from "zod";

import type { RuntimeEvent } from "../events.ts";
import { type Runtime, type RuntimeOptions, startRuntime } from "../runtime.ts";

const request = z.object({ n: z.number() });
const receipt = z.object({ id: z.string() });
const note = defineCapability({
  name: "note.send",
  request,
  receipt,
  duplicates: "tolerated",
  narrow: (_, item) => ({ n: Number(item) }),
});
const tell = defineCapability({
  name: "note.tell",
  request,
  receipt,
  duplicates: "tolerated",
  sinks: true,
  narrow: (_, item) => ({ n: Number(item) }),
});
const pay = defineCapability({ name: "note.pay", request, receipt, duplicates: "forbidden" });

const quick = { attempts: 3, baseMs: 1, maxMs: 5 };

export const noteJob = defineJob({
  name: "note",
  queue: "notes",
  payload: request,
  capability: note,
  toRequest: (p) => p,
  retry: quick,
});
/** Goes to each provider. */
export const tellJob = defineJob({
  name: "tell",
  queue: "notes",
  payload: request,
  capability: tell,
  toRequest: (p) => p,
  retry: quick,
});
export const payJob = defineJob({
  name: "pay",
  queue: "notes",
  payload: request,
  capability: pay,
  toRequest: (p) => p,
  retry: quick,
});

/** Comes after another job, whose receipt it needs. */
export const backJob = defineJob({
  name: "back",
  queue: "notes",
  payload: z.object({ of: z.string() }),
  capability: pay,
  after: {
    job: ({ of }) => of,
    objection: (_, { receipt: { id } }) => (id === "declined" ? "was declined" : undefined),
  },
  toRequest: (_, earlier) => ({ n: earlier?.receipt.id.length ?? 0 }),
  retry: quick,
});

type Answer = (Delivered | Failure) & { readonly waitFor?: Promise<unknown> };

/** A provider that answers what the test says, in order; the last answer repeats. */
export interface ScriptedLink extends Link {
  readonly calls: { readonly jobId: string; readonly idempotencyKey: string; readonly request: unknown }[];
}

export function scripted(
  provider: string,
  answers: readonly (Answer | ((signal: AbortSignal) => Promise<Answer>))[],
  more: Partial<Pick<Link, "idempotency" | "capacity" | "lookUp">> = {},
): ScriptedLink {
  const calls: ScriptedLink["calls"] = [];
  return {
    provider,
    calls,
    idempotency: more.idempotency ?? "none",
    accepts: () => true,
    capacity: more.capacity ?? (() => unlimited),
    ...(more.lookUp === undefined ? {} : { lookUp: more.lookUp }),
    async adapter(asked, { jobId, idempotencyKey, signal }) {
      const next = answers[Math.min(calls.length, answers.length - 1)];
      calls.push({ jobId, idempotencyKey, request: asked });
      if (next === undefined) throw new TypeError("a scripted link needs an answer");
      const answer = typeof next === "function" ? await next(signal) : next;
      return { provider, at: Date.now(), durationMs: 1, ...answer };
    },
  };
}

export const delivered: Answer = { kind: "delivered", receipt: { id: "r1" }, final: true };
export const failing = (kind: Failure["kind"], code: string, retryAfterMs?: number): Answer =>
  retryAfterMs === undefined ? { kind, code } : { kind, code, retryAfterMs };

export interface Stage {
  readonly client: Client;
  readonly operator: Operator;
  readonly redis: Redis;
  readonly family: Family;
  readonly space: Space;
  readonly events: RuntimeEvent[];
  start(links: readonly Link[], more?: Partial<RuntimeOptions>): Runtime;
  /** Waits until the job is where it should be. */
  reaches(id: string, place: Located["place"]): Promise<Envelope>;
  envelopeOf(id: string): Promise<Envelope>;
  placeOf(id: string): Promise<Envelope & Pick<Located, "place">>;
  /** Makes a job that waits due now. */
  promote(id: string): Promise<void>;
}

const bothRoutes = (links: readonly Link[]): readonly Route[] =>
  [note, tell, pay].map((capability: Capability) => ({ capability, links }));

/** Somebody who may do anything, with a reason. */
export function ada(reason = "for a test"): Who {
  return { by: { name: "ada", role: "admin" }, reason };
}

/** A release by somebody who has just looked at the letter. */
export async function release({ operator }: Pick<Stage, "operator">, id: string, who: Who): Promise<string> {
  const seen = (await operator.letter(id))?.version;
  return await operator.release(id, who, seen === undefined ? {} : { seen });
}

export function newStage(): Stage {
  const space = newSpace();
  const family = familyOf("notes", space.namespace);
  const client = createClient({ redis: space.redisUrl, namespace: space.namespace });
  const jobs: readonly AnyJob[] = [noteJob, tellJob, payJob, backJob];
  const operator = createOperator({ redis: space.redisUrl, namespace: space.namespace, jobs });
  const redis = connectWorker(space.redisUrl);
  const events: RuntimeEvent[] = [];
  onTestFinished(async () => {
    await client.close();
    await operator.close();
    redis.disconnect();
  });

  const envelopeIn = ({ place, data }: Located): Envelope => {
    const value = JSON.parse(data ?? "null") as { readonly payload: Envelope } & Envelope;
    const stored = place === "dead" ? value.payload : value;
    const opened = openEnvelope(stored);
    // What is no envelope of this release is looked at as it is.
    return opened.at === "open" ? opened.envelope : stored;
  };

  return {
    client,
    operator,
    redis,
    family,
    space,
    events,
    start(links, more = {}) {
      const runtime = startRuntime({
        redis: space.redisUrl,
        namespace: space.namespace,
        jobs,
        routes: bothRoutes(links),
        queues: [{ name: "notes", concurrency: 5 }],
        locks: { lockMs: 2000, stalledCheckMs: 500 },
        observe: (event) => void events.push(event),
        ...more,
      });
      onTestFinished(() => runtime.close({ deadlineMs: 100 }));
      return runtime;
    },
    async reaches(id, place) {
      const found = await until(`${id} is ${place}`, async () => {
        const located = await locate(redis, family, id);
        return located.place === place ? located : undefined;
      });
      return envelopeIn(found);
    },
    async envelopeOf(id) {
      return envelopeIn(await locate(redis, family, id));
    },
    async placeOf(id) {
      const located = await locate(redis, family, id);
      return { ...envelopeIn(located), place: located.place };
    },
    async promote(id) {
      const queue = new Queue(family.name, { connection: { url: space.redisUrl }, prefix: family.prefix });
      await (await queue.getJob(id))?.promote();
      await queue.close();
    },
  };
}
