// One process of the scenario: ROLE is worker, janitor or redriver. It is killed at moments of chance, and started again.
import { unlimited } from "@understudy/core";
import { createOperator } from "@understudy/operator";
import { connectWorker } from "@understudy/queue";
import type { Link } from "@understudy/resilience";
import { startJanitor, startRuntime } from "@understudy/runtime";

import { deathJobs, dying, QUEUE, type Way } from "./jobs.ts";

const { REDIS_URL: redis = "", NAMESPACE: namespace = "", ROLE = "", MODE = "" } = process.env;
const redrivable = ["rejected", "exhausted", "ambiguous", "stalled", "expired"] as const;
const locks = { lockMs: 1500, stalledCheckMs: 500 };
const shared = { redis, namespace, locks, observe: () => undefined };

const roles: Readonly<Record<string, () => Promise<void>>> = { worker, janitor, redriver };
await roles[ROLE]?.();
console.log(JSON.stringify({ event: "started", pid: process.pid }));

async function worker(): Promise<void> {
  const counts = connectWorker(redis);
  const link: Link = {
    provider: "chaos",
    idempotency: "none",
    accepts: () => true,
    capacity: () => unlimited,
    async adapter(request, { jobId }) {
      if (MODE === "deliver") {
        await counts.hincrby(`${namespace}:delivered`, jobId, 1);
        return {
          kind: "delivered",
          receipt: {},
          final: true,
          provider: "chaos",
          at: Date.now(),
          durationMs: 1,
        };
      }
      return await die((request as { readonly way: Way }).way);
    },
  };
  startRuntime({
    ...shared,
    jobs: deathJobs,
    routes: [{ capability: dying, links: [link] }],
    queues: [{ name: QUEUE, concurrency: 5 }],
  });
}

async function die(way: Way): ReturnType<Link["adapter"]> {
  if (way === "killed") process.kill(process.pid, "SIGKILL");
  if (way === "memory") fillMemory();
  if (way === "thrown") throw new Error("thrown");
  return { kind: "rejected", code: "http_400", provider: "chaos", at: Date.now(), durationMs: 1 };
}

/** Node ends a process whose heap is full. */
function fillMemory(): never {
  for (const held: string[][] = []; ;)
    held.push(Array.from({ length: 10_000 }, (_, n) => `${n}-${held.length}`));
}

async function janitor(): Promise<void> {
  await startJanitor({ ...shared, jobs: deathJobs, queues: [QUEUE], sweepEveryMs: 200 });
}

/** Redrives all there are, several at a time and in no order, as its like do at the same time. */
async function redriver(): Promise<void> {
  const operator = createOperator({ redis, namespace, jobs: deathJobs });
  const who = { by: { name: `redriver-${process.pid}`, role: "operator" as const }, reason: "chaos" };
  void (async () => {
    for (;;) {
      // What cannot be read stays, and would fill every page.
      const { letters } = await operator.letters({ cause: redrivable }, { limit: 100 });
      const some = letters.filter(() => Math.random() < 0.3).slice(0, 10);
      await Promise.all(some.map(({ id }) => operator.redrive(id, who)));
    }
  })();
  await Promise.resolve();
}
