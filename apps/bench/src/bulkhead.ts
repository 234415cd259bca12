import { mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { createClient } from "@understudy/client";
import { type Adapter, emailSend, type Outcome, type ReceiptOf } from "@understudy/core";
import { welcomeEmail } from "@understudy/jobs";
import { createBulkhead, createCircuitBreaker, createLink, type Link } from "@understudy/resilience";
import { startRuntime } from "@understudy/runtime";

import { startProgram } from "./failover/program.ts";
import { held, type Requirement } from "./requirements.ts";

const CONCURRENCY = 20;
const LATENCY_MS = 20;
/** Of each provider's own jobs. */
const PER_SECOND = 80;
/** Of its throughput the second provider keeps so much while the first hangs. */
const LEAST_RATIO = 0.95;
const now = Date.now;

interface Round {
  /** Jobs of the provider that is well, delivered a second. */
  readonly perSecond: number;
  /** Calls of the other one that were out at once. */
  readonly most: number;
}

/**
 * Two providers in one queue, each with jobs that only it may serve: how many of the second one's are delivered a second while the first
 * is well, and while it hangs; the two take turns.
 */
export async function bulkheadBench(isSmoke: boolean): Promise<number> {
  const { seconds, rounds } = isSmoke ? { seconds: 3, rounds: 1 } : { seconds: 30, rounds: 3 };
  const dataDir = mkdtempSync(join(tmpdir(), "understudy-bench-"));
  const redis = await startProgram("scripts/redis.ts", {}, (line) => "url" in line, [dataDir]);
  const results: Record<"well" | "hangs", Round[]> = { well: [], hangs: [] };
  try {
    for (let round = 0; round < rounds; round += 1)
      for (const how of ["well", "hangs"] as const)
        results[how].push(await run(String(redis.said["url"]), `${how}-${round}`, how, seconds));
  } finally {
    await redis.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
  report(results, seconds);
  return held("bulkhead", requirements(results, isSmoke));
}

type Results = Readonly<Record<"well" | "hangs", readonly Round[]>>;

/** The ratio is for the whole form only: three seconds say little about a throughput. */
function requirements({ well, hangs }: Results, isSmoke: boolean): readonly Requirement[] {
  const ratio = speedOf(hangs) / speedOf(well);
  return [
    {
      what: `at most ${CONCURRENCY} calls at once, and some of the second provider's jobs, in every round`,
      isMet: hangs.every(({ most, perSecond }) => most <= CONCURRENCY && perSecond > 0),
    },
    {
      what: `${LEAST_RATIO} of the second provider's throughput while the first hangs, and not ${ratio.toFixed(3)}`,
      isMet: isSmoke || ratio >= LEAST_RATIO,
    },
  ];
}

async function run(redis: string, namespace: string, how: "well" | "hangs", seconds: number): Promise<Round> {
  let out = 0;
  let most = 0;
  let delivered = 0;
  const first: Adapter<typeof emailSend> = async (_request, { signal }) => {
    out += 1;
    most = Math.max(most, out);
    if (how === "well") await sleep(LATENCY_MS);
    else await aborted(signal);
    out -= 1;
    return how === "well" ? answer("first") : failure("first");
  };
  const second: Adapter<typeof emailSend> = async () => {
    await sleep(LATENCY_MS);
    delivered += 1;
    return answer("second");
  };
  await using client = createClient({ redis, namespace });
  const runtime = startRuntime({
    redis,
    namespace,
    jobs: [welcomeEmail],
    routes: [{ capability: emailSend, links: [linkOf("first", first), linkOf("second", second)] }],
    queues: [{ name: welcomeEmail.queue, concurrency: CONCURRENCY }],
    observe: () => undefined,
  });
  const began = performance.now();
  for (let sent = 0; performance.now() - began < seconds * 1000; await sleep(50)) {
    const due = Math.floor(((performance.now() - began) / 1000) * PER_SECOND);
    const mails = Array.from({ length: due - sent }, (_, n) => ({
      to: `m${sent + n}@example.com`,
      name: "Ada",
    }));
    sent = due;
    for (const providers of [["first"], ["second"]])
      if (mails.length > 0) await client.enqueueMany(welcomeEmail, mails, { providers });
  }
  const perSecond = delivered / ((performance.now() - began) / 1000);
  await runtime.close({ deadlineMs: 0 });
  return { perSecond, most };
}

function linkOf(provider: string, adapter: Adapter<typeof emailSend>): Link<typeof emailSend> {
  return createLink({
    provider,
    implementation: { capability: emailSend, idempotency: "none", create: () => adapter },
    config: {},
    gates: [
      createCircuitBreaker({ now }),
      createBulkhead({ now, maxConcurrent: CONCURRENCY, retryAfterMs: 2000 }),
    ],
    timeoutMs: 15_000,
    now,
  });
}

async function aborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  signal.addEventListener("abort", () => resolve(), { once: true });
  await promise;
}

function answer(provider: string): Outcome<ReceiptOf<typeof emailSend>> {
  const receipt = { messageId: "m", accepted: [], rejected: [] };
  return { kind: "delivered", receipt, final: true, provider, at: now(), durationMs: LATENCY_MS };
}

function failure(provider: string): Outcome<never> {
  return { kind: "unavailable", code: "timeout", provider, at: now(), durationMs: 15_000 };
}

function report({ well, hangs }: Results, seconds: number): void {
  const raw = (rounds: readonly Round[]): string =>
    rounds.map(({ perSecond }) => perSecond.toFixed(1)).join(", ");
  console.log(`bulkhead: one queue of ${CONCURRENCY} slots, ${PER_SECOND} jobs/s for each of two providers, ${seconds} s; ${cpus().length} × ${cpus()[0]?.model ?? "?"}
| the first provider | the second's jobs/s (median) | raw | most calls of the first at once |
| --- | ---: | --- | ---: |
| is well | ${speedOf(well).toFixed(1)} | ${raw(well)} | ${Math.max(...well.map(({ most }) => most))} |
| hangs | ${speedOf(hangs).toFixed(1)} | ${raw(hangs)} | ${Math.max(...hangs.map(({ most }) => most))} |
| ratio | ${(speedOf(hangs) / speedOf(well)).toFixed(3)} | | |`);
}

function speedOf(rounds: readonly Round[]): number {
  return median(rounds.map(({ perSecond }) => perSecond));
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
