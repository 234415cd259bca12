// Usage: node apps/bench/src/bullmq/first-job.ts REDIS QUEUE PREFIX VENDOR. The least that a worker of bare BullMQ is.
import { Worker } from "bullmq";

const [url = "", queue = "", prefix = "", vendor = ""] = process.argv.slice(2);
const post = async (body: string): Promise<void> => {
  await fetch(vendor, { method: "POST", headers: { "content-type": "application/json" }, body });
};
const worker = new Worker(queue, ({ data }) => post(JSON.stringify(data)), { connection: { url }, prefix });
process.once("SIGTERM", () => void worker.close().then(() => process.exit(0)));
process.once("disconnect", () => process.exit(0));
console.log(JSON.stringify({ event: "started" }));
