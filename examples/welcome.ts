import { createClient } from "@understudy/client";
import { welcomeEmail } from "@understudy/jobs";

const redis = process.env["REDIS_URL"];
if (redis === undefined) throw new Error("Set REDIS_URL to the one that npm start shows.");

await using client = createClient({ redis, namespace: "sandbox" });

const ada = { to: "ada@example.com", name: "Ada" };
const job = await client.enqueue(welcomeEmail, ada, { idempotencyKey: "customer-4711" });
console.log(`${job.status}: ${job.id}`);
