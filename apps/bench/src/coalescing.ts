import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { createClient } from "@understudy/client";
import { analyticsTrack, type Implementation } from "@understudy/core";
import { syncAnalytics } from "@understudy/jobs";
import { segment } from "@understudy/providers/segment";
import { createLink } from "@understudy/resilience";
import { startRuntime } from "@understudy/runtime";

import { startProgram } from "./failover/program.ts";

/** How far away the vendor is. */
const LATENCY_MS = 20;
const CONCURRENCY = 200;

interface Round {
  readonly requests: number;
  readonly jobsPerSecond: number;
}

interface Vendor extends AsyncDisposable {
  readonly url: string;
  requests: number;
}

/**
 * Events through the whole runtime to a vendor on loopback, 20 ms away, with one request a job and with concurrent jobs in one
 * request; the two take turns.
 */
export async function coalescingBench(isSmoke: boolean): Promise<number> {
  const { jobs, rounds } = isSmoke ? { jobs: 200, rounds: 1 } : { jobs: 3000, rounds: 5 };
  const dataDir = mkdtempSync(join(tmpdir(), "understudy-bench-"));
  const redis = await startProgram("scripts/redis.ts", {}, (line) => "url" in line, [dataDir]);
  await using vendor = await startVendor();
  const results: Record<"alone" | "together", Round[]> = { alone: [], together: [] };
  try {
    for (let round = 0; round < rounds; round += 1)
      for (const way of ["alone", "together"] as const)
        results[way].push(await run(String(redis.said["url"]), `${way}-${round}`, vendor, way, jobs));
  } finally {
    await redis.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
  report(results, jobs);
  const most = Math.max(...results.together.map(({ requests }) => requests));
  // Every job was delivered, or the rounds would not have ended; that they shared requests is the point.
  return most < jobs / 2 ? 0 : 1;
}

async function run(
  redis: string,
  namespace: string,
  vendor: Vendor,
  way: "alone" | "together",
  jobs: number,
): Promise<Round> {
  await using client = createClient({ redis, namespace, routes: { [analyticsTrack.name]: [segment.name] } });
  await client.enqueueMany(
    syncAnalytics,
    Array.from({ length: jobs }, (_, n) => eventOf(n)),
  );
  vendor.requests = 0;
  let completed = 0;
  const started = performance.now();
  const runtime = startRuntime({
    redis,
    namespace,
    jobs: [syncAnalytics],
    routes: [{ capability: analyticsTrack, links: [linkTo(vendor.url, way)] }],
    queues: [{ name: syncAnalytics.queue, concurrency: CONCURRENCY }],
    observe(event) {
      if (event.event === "settled" && event.verdict === "complete") completed += 1;
    },
  });
  while (completed < jobs) await sleep(5);
  const seconds = (performance.now() - started) / 1000;
  await runtime.close({ deadlineMs: 1000 });
  return { requests: vendor.requests, jobsPerSecond: Math.round(jobs / seconds) };
}

function linkTo(baseUrl: string, way: "alone" | "together"): ReturnType<typeof createLink> {
  const [implementation] = segment.adapters;
  if (implementation === undefined) throw new TypeError("segment tracks events");
  const { batch, ...rest } = implementation;
  return createLink({
    provider: segment.name,
    implementation: (way === "alone" || batch === undefined
      ? rest
      : implementation) as Implementation<unknown>,
    config: segment.config.parse({ ...segment.sandboxConfig, baseUrl }),
    gates: [],
    timeoutMs: 10_000,
    now: Date.now,
  });
}

function eventOf(n: number): Parameters<typeof syncAnalytics.toRequest>[0] {
  const event = { id: `e-${n}`, name: "Order placed", at: "2026-11-24T05:00:00Z", properties: { total: n } };
  return { userId: `customer-${n}`, events: [event] };
}

async function startVendor(): Promise<Vendor> {
  const server = createServer((req, res) => {
    vendor.requests += 1;
    req.resume().once("end", () => {
      setTimeout(() => res.setHeader("content-type", "application/json").end('{"success":true}'), LATENCY_MS);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const vendor: Vendor = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: 0,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
  return vendor;
}

function report(
  { alone, together }: Readonly<Record<"alone" | "together", readonly Round[]>>,
  jobs: number,
): void {
  const speed = (rounds: readonly Round[]): number =>
    median(rounds.map(({ jobsPerSecond }) => jobsPerSecond));
  const requests = (rounds: readonly Round[]): number => median(rounds.map((round) => round.requests));
  console.log(`coalescing: ${jobs} events, concurrency ${CONCURRENCY}, vendor ${LATENCY_MS} ms away; ${cpus().length} × ${cpus()[0]?.model ?? "?"}
| | requests | jobs/s (median) | raw |
| --- | ---: | ---: | --- |
| one request a job | ${requests(alone)} | ${speed(alone)} | ${alone.map(({ jobsPerSecond }) => jobsPerSecond).join(", ")} |
| coalesced | ${requests(together)} | ${speed(together)} | ${together.map(({ jobsPerSecond }) => jobsPerSecond).join(", ")} |
| ratio | 1/${Math.round(requests(alone) / requests(together))} | ${(speed(together) / speed(alone)).toFixed(2)} × | |`);
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
