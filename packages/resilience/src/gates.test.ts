import type { Gate } from "@understudy/core";
import { createVirtualClock, testGate } from "@understudy/testkit";

import { createBulkhead } from "./bulkhead.ts";
import { createCircuitBreaker } from "./circuit/circuit-breaker.ts";
import { createMemoryPaceStore } from "./pace/memory-store.ts";
import { createRateLimiter } from "./pace/rate-limiter.ts";

const meta = { provider: "a", at: 0, durationMs: 1 };

async function refused(gate: Gate): Promise<Gate> {
  const answer = await gate.admit();
  if (answer.ok) answer.settle({ kind: "unavailable", code: "unauthorized", ...meta });
  return gate;
}

async function exhausted(gate: Gate): Promise<Gate> {
  while ((await gate.admit()).ok);
  return gate;
}

const circuit = (): Gate => createCircuitBreaker({ now: createVirtualClock().now });
const limits = [
  { calls: 70, perMs: 1000 },
  { calls: 1000, perMs: 86_400_000 },
];
const limiter = (): Gate => createRateLimiter({ now: createVirtualClock().now, limits });
/** Shared with others who do nothing; its first permits are in hand. */
async function sharedLimiter(): Promise<Gate> {
  const { now } = createVirtualClock();
  const shared = { store: createMemoryPaceStore(now)("one"), account: "a", isReachable: () => true };
  const gate = createRateLimiter({ now, limits, shared });
  const answer = await gate.admit();
  if (answer.ok) answer.settle();
  return gate;
}
const bulkhead = (): Gate => createBulkhead({ now: createVirtualClock().now, maxConcurrent: 3 });

/** A circuit whose time to try again has come: one probe, and no more. */
async function probing(): Promise<Gate> {
  const clock = createVirtualClock();
  const gate = createCircuitBreaker({ now: clock.now, options: { openMs: 100 } });
  await refused(gate);
  clock.advance(100);
  return gate;
}

testGate("a closed circuit", { open: circuit, closed: () => refused(circuit()) });
testGate("a half-open circuit", { open: probing, closed: async () => await exhausted(await probing()) });
testGate("a rate limiter", { open: limiter, closed: () => exhausted(limiter()) });
testGate("a shared rate limiter", {
  open: sharedLimiter,
  closed: async () => await exhausted(await sharedLimiter()),
});
testGate("a rate limiter without a limit", {
  open: () => createRateLimiter({ now: createVirtualClock().now, limits: [] }),
  closed: async () => {
    const gate = createRateLimiter({ now: createVirtualClock().now, limits: [] });
    const answer = await gate.admit();
    if (answer.ok) answer.settle({ kind: "throttled", code: "http_429", retryAfterMs: 1000, ...meta });
    return gate;
  },
});
testGate("a bulkhead", { open: bulkhead, closed: () => exhausted(bulkhead()) });
