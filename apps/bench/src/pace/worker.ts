// One process of the pace bench: slots that call the vendor as often as the shared limit lets them, until SIGTERM.
import { Agent, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

import { connectWorker } from "@understudy/queue";
import { createRateLimiter, openPaceStore } from "@understudy/resilience";

const { BENCH_REDIS = "", BENCH_VENDOR = "", BENCH_PER_SECOND, BENCH_SLOTS } = process.env;

const redis = connectWorker(BENCH_REDIS);
const gate = createRateLimiter({
  now: Date.now,
  limits: [{ calls: Number(BENCH_PER_SECOND), perMs: 1000 }],
  shared: { store: openPaceStore(redis, "accuracy"), account: "a", isReachable: () => true },
});
const agent = new Agent({ keepAlive: true });

function call(): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => resolve();
    request(BENCH_VENDOR, { method: "POST", agent }, (answer) => answer.resume().once("close", done))
      .once("error", done)
      .end("{}");
  });
}

async function slot(): Promise<void> {
  for (;;) {
    const answer = await gate.admit();
    if (!answer.ok) {
      await sleep(Math.min(answer.retryAfterMs, 100));
      continue;
    }
    const at = Date.now();
    await call();
    answer.settle({
      kind: "delivered",
      receipt: {},
      final: true,
      provider: "a",
      at,
      durationMs: Date.now() - at,
    });
  }
}

process.once("SIGTERM", () => process.exit(0)).once("disconnect", () => process.exit(0));
await redis.ping();
console.log(JSON.stringify({ pid: process.pid }));
for (let nth = 0; nth < Number(BENCH_SLOTS); nth += 1) void slot();
