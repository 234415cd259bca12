import { connectWorker } from "@understudy/queue";
import { type BulkJobOptions, Queue } from "bullmq";

import type { SystemName } from "./options.ts";
import { startProgram } from "./program.ts";
import type { Stage } from "./stage.ts";
import type { Fate, System } from "./system.ts";
import { chargeOf, idOf, type Kind, mailOf } from "./workload.ts";

export const queues: Readonly<Record<Kind, string>> = { charge: "bench-charges", mail: "bench-mails" };

/** As many attempts as ours, with the same back-off and jitter; nothing is removed. */
const jobOptions: BulkJobOptions = {
  attempts: 8,
  backoff: { type: "exponential", delay: 1000, jitter: 1 },
  removeOnFail: false,
};

/** Plain BullMQ, in its best honest configuration: ids and keys of the job's own, attempts, and a chain of providers. */
export async function baseline(
  { redisUrl, sandbox }: Stage,
  name: Exclude<SystemName, "ours">,
): Promise<System> {
  const connection = connectWorker(redisUrl);
  connection.on("error", () => undefined);
  const open = (kind: Kind): Queue => {
    const queue = new Queue(queues[kind], { connection });
    queue.on("error", () => undefined);
    return queue;
  };
  const byKind: Readonly<Record<Kind, Queue>> = { charge: open("charge"), mail: open("mail") };
  const env = { REDIS_URL: redisUrl, PROVIDER_URLS: JSON.stringify(await sandbox.urls()) };
  return {
    startWorker: () =>
      startProgram("apps/bench/src/failover/baseline-worker.ts", env, (line) => line["event"] === "started", [
        name,
      ]),
    async enqueue(kind, numbers) {
      // BullMQ waits for Redis to come back, and an id that is there already changes nothing.
      await byKind[kind].addBulk(
        numbers.map((n) => ({
          name: kind,
          data: kind === "charge" ? chargeOf(n) : mailOf(n),
          opts: { ...jobOptions, jobId: idOf[kind](n) },
        })),
      );
    },
    async ended() {
      const counts = await Promise.all(
        Object.values(byKind).map((queue) => queue.getJobCounts("completed", "failed")),
      );
      return counts.reduce((sum, { completed = 0, failed = 0 }) => sum + completed + failed, 0);
    },
    async fateOf(kind, n): Promise<Fate> {
      const job = await byKind[kind].getJob(idOf[kind](n));
      if (job === undefined) return { end: "unheard_of" };
      const state = await job.getState();
      if (state === "failed") return { end: "dead", effect: "unsaid", isLabelled: false };
      if (state !== "completed") return { end: "open" };
      const { status } = (job.returnvalue ?? {}) as { readonly status?: string };
      return status === "declined" ? { end: "declined" } : { end: "done", isLabelled: false };
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(Object.values(byKind).map((queue) => queue.close()));
      connection.disconnect();
    },
  };
}
