import { type AnyJob, emailSend, type Implementation } from "@understudy/core";
import { connectProducer, connectWorker } from "@understudy/queue";
import type { Link } from "@understudy/resilience";
import { startRuntime } from "@understudy/runtime";
import { type Job, Worker } from "bullmq";

import { placeOf } from "../places.ts";
import { mail, numberOfMail } from "../subjects.ts";
import type { Order } from "../types.ts";
import { createCounters, linkOf } from "./platform.ts";

export interface Watch {
  /** The processor, or the adapter, has been given a mail. */
  readonly begun: (mail: number) => void;
  /** Redis has agreed that one more job is done. */
  readonly done: () => void;
}

export interface RunningWorker {
  close(): Promise<void>;
}

export type Where = Pick<Order, "system" | "redis" | "namespace">;

/** A worker of one of the systems whose mails go nowhere, at once. */
export function startIdleWorker(where: Where, concurrency: number, { begun, done }: Watch): RunningWorker {
  if (where.system === "bullmq") {
    const processor = async ({ data }: Job<{ readonly to: string }>): Promise<void> =>
      begun(numberOfMail(data.to));
    return startBare(where, mail.job, concurrency, processor, done);
  }
  const implementation: Implementation<object, typeof emailSend> = {
    capability: emailSend,
    idempotency: "none",
    create: () => async (request) => {
      begun(numberOfMail(request.to[0]?.email ?? ""));
      const receipt = { messageId: "m", accepted: [], rejected: [] };
      return { kind: "delivered", receipt, final: true, provider: "instant", at: Date.now(), durationMs: 0 };
    },
  };
  return startOurs(
    where,
    { job: mail.job, provider: "instant", implementation, config: {} },
    concurrency,
    done,
  );
}

interface Delivery<Config> {
  readonly job: AnyJob;
  readonly provider: string;
  readonly implementation: Implementation<Config>;
  readonly config: Config;
}

/** The whole runtime, with one provider behind its gates. */
export function startOurs<Config>(
  { redis, namespace }: Where,
  { job, ...delivery }: Delivery<Config>,
  concurrency: number,
  done: () => void,
): RunningWorker {
  const shared = connectProducer(redis);
  const link: Link = linkOf({ ...delivery, concurrency, redis: shared, namespace });
  const count = createCounters();
  const runtime = startRuntime({
    redis,
    namespace,
    jobs: [job],
    routes: [{ capability: job.capability, links: [link] }],
    queues: [{ name: job.queue, concurrency }],
    observe(event) {
      count(event);
      if (event.event === "trouble") console.error(event.error);
      if (event.event === "settled" && event.verdict === "complete") done();
    },
  });
  return {
    async close() {
      await runtime.close({ deadlineMs: 1000 });
      shared.disconnect();
    },
  };
}

/** Keeps completed jobs for as long as ours are kept; its other options are the defaults. */
export function startBare<Data>(
  where: Where,
  job: AnyJob,
  concurrency: number,
  processor: (job: Job<Data>) => Promise<void>,
  done: () => void,
): RunningWorker {
  const connection = connectWorker(where.redis);
  const { name, prefix } = placeOf(where.system, where.namespace, job);
  const options = { connection, prefix, concurrency, removeOnComplete: { age: job.keepCompletedMs / 1000 } };
  const worker = new Worker<Data, void>(name, processor, options);
  worker.on("completed", done);
  worker.on("error", (error) => console.error(error));
  return {
    async close() {
      await worker.close();
      connection.disconnect();
    },
  };
}
