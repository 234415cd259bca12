// A worker of plain BullMQ, as its documentation has it, round a chain of providers. Usage: baseline-worker.ts naive|symfony
import {
  type AnyProvider,
  chargeRequest,
  type ChargeReceipt,
  emailSend,
  paymentCharge,
  type ReceiptOf,
  requestOf,
  type RequestOf,
  type Capability,
} from "@understudy/core";
import { welcomeEmail } from "@understudy/jobs";
import { providers } from "@understudy/providers";
import { connectWorker } from "@understudy/queue";
import { type Job, Worker } from "bullmq";

import { queues } from "./baseline.ts";
import { type Chain, naiveChain, symfonyChain, type Transport } from "./chains.ts";
import { chargeRoute, mailRoute } from "./workload.ts";

const CALL_TIMEOUT_MS = 1000;
/** Symfony's default is a minute; here all times are those of a bench, as our own circuit's are. */
const RETRY_PERIOD_MS = 2000;

const urls = JSON.parse(process.env["PROVIDER_URLS"] ?? "{}") as Readonly<Record<string, string>>;
const isSymfony = process.argv[2] === "symfony";

/** The same requests, time-outs and reading of answers as ours: what is not delivered is an exception. */
function transport<C extends Capability>(name: string, capability: C): Transport<RequestOf<C>, ReceiptOf<C>> {
  const provider: AnyProvider | undefined = Object.values(providers).find((one) => one.name === name);
  const implementation = provider?.adapters.find((one) => one.capability.name === capability.name);
  if (provider === undefined || implementation === undefined)
    throw new TypeError(`no ${capability.name} at ${name}`);
  const adapter = implementation.create(
    provider.config.parse({ ...provider.sandboxConfig, baseUrl: urls[name] }),
  );
  return {
    name,
    async send(request, jobId) {
      // The key is the job's, the same for every attempt: who knows of keys at all does this.
      const outcome = await adapter(request, {
        jobId,
        idempotencyKey: jobId,
        signal: AbortSignal.timeout(CALL_TIMEOUT_MS),
      });
      if (outcome.kind === "delivered") return outcome.receipt as ReceiptOf<C>;
      throw new Error(`${name}: ${outcome.code}`);
    },
  };
}

function chainOf<C extends Capability>(
  route: readonly string[],
  capability: C,
): Chain<RequestOf<C>, ReceiptOf<C>> {
  const transports = route.map((name) => transport(name, capability));
  return isSymfony ? symfonyChain(transports, RETRY_PERIOD_MS) : naiveChain(transports);
}

const charge = chainOf(chargeRoute, paymentCharge);
const mail = chainOf(mailRoute, emailSend);

const connection = connectWorker(process.env["REDIS_URL"] ?? "");
connection.on("error", () => undefined);
const settings = {
  connection,
  concurrency: 20,
  lockDuration: 3000,
  stalledInterval: 1000,
  maxStalledCount: 3,
};

async function runCharge({ id = "", data }: Job): Promise<ChargeReceipt> {
  return await charge(chargeRequest.parse(data), id);
}

async function runMail({ id = "", data }: Job): Promise<unknown> {
  const requested = requestOf(welcomeEmail, data);
  if (!requested.ok) throw new Error(requested.problem);
  return await mail(requested.request, id);
}

const workers = [new Worker(queues.charge, runCharge, settings), new Worker(queues.mail, runMail, settings)];
for (const worker of workers) worker.on("error", () => undefined);
await Promise.all(workers.map((worker) => worker.waitUntilReady()));
// Whoever started it is gone: do not outlive it.
process.once("disconnect", () => process.exit(0));
console.log(JSON.stringify({ event: "started" }));
