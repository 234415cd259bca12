// A worker of plain BullMQ: one provider, and a retry with exponential back-off. Usage: plain-worker.ts, with REDIS_URL, PRIMARY_URL.
import { emailSend, requestOf } from "@understudy/core";
import { welcomeEmail } from "@understudy/jobs";
import { sendgrid } from "@understudy/providers/sendgrid";
import { connectWorker } from "@understudy/queue";
import { Worker } from "bullmq";

import { CALL_TIMEOUT_MS, CONCURRENCY, PLAIN_QUEUE } from "./settings.ts";

const implementation = sendgrid.adapters.find(({ capability }) => capability.name === emailSend.name);
if (implementation === undefined) throw new TypeError("sendgrid sends mail");
const adapter = implementation.create(
  sendgrid.config.parse({ ...sendgrid.sandboxConfig, baseUrl: process.env["PRIMARY_URL"] }),
);

const worker = new Worker(
  PLAIN_QUEUE,
  async (job) => {
    const requested = requestOf(welcomeEmail, job.data);
    if (!requested.ok) throw new Error(requested.problem);
    const outcome = await adapter(requested.request, {
      jobId: job.id ?? "",
      idempotencyKey: job.id ?? "",
      signal: AbortSignal.timeout(CALL_TIMEOUT_MS),
    });
    if (outcome.kind !== "delivered") throw new Error(outcome.code);
    return outcome.receipt;
  },
  { connection: connectWorker(process.env["REDIS_URL"] ?? ""), concurrency: CONCURRENCY },
);
worker.on("error", () => undefined);
await worker.waitUntilReady();
process.once("SIGTERM", () => void worker.close(true).then(() => process.exit(0)));
process.once("disconnect", () => process.exit(0));
console.log(JSON.stringify({ event: "started" }));
