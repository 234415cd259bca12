import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

import { connectWorker } from "@understudy/queue";

import { startProgram } from "../failover/program.ts";
import type { Requirement } from "../requirements.ts";

/** How far away the vendor is. */
const LATENCY_MS = 40;
/** In a short run the burst of a tenth of a second weighs more than one in a hundred. */
const SHORT_S = 10;

interface Parts {
  readonly workers: number;
  readonly perSecond: number;
  readonly warmMs: number;
  readonly seconds: number;
  /** The share of the limit that must be used. */
  readonly least: number;
}

/** Processes that want twice the limit between them, and a vendor that counts what reaches it. */
export async function accuracy(
  url: string,
  { workers, perSecond, warmMs, seconds, least }: Parts,
): Promise<readonly Requirement[]> {
  const vendor = await startVendor();
  const slots = Math.ceil((2 * perSecond * LATENCY_MS) / 1000 / workers);
  const env = {
    BENCH_REDIS: url,
    BENCH_VENDOR: vendor.url,
    BENCH_PER_SECOND: String(perSecond),
    BENCH_SLOTS: String(slots),
  };
  const programs = await Promise.all(
    Array.from({ length: workers }, () => startProgram("apps/bench/src/pace/worker.ts", env, () => true)),
  );
  const redis = connectWorker(url);
  await sleep(warmMs);
  const start = performance.now();
  const before = await scriptCalls(redis);
  await sleep(seconds * 1000);
  const asked = (await scriptCalls(redis)) - before;
  const times = vendor.times.filter((at) => at >= start && at < start + seconds * 1000);
  redis.disconnect();
  await Promise.all(programs.map((program) => program.stop()));
  await vendor.close();

  const allowed = perSecond * seconds;
  console.log(`pace: ${workers} processes of ${slots} slots want ${Math.round((workers * slots * 1000) / LATENCY_MS)} calls a second, ${perSecond} are allowed; ${seconds} s
| | |
| --- | ---: |
| calls at the vendor | ${times.length} |
| of what is allowed | ${((100 * times.length) / allowed).toFixed(2)} % |
| in the fullest second | ${fullest(times, 1000)} |
| round trips per 1,000 calls | ${Math.round((1000 * asked) / Math.max(1, times.length))} |
| calls of each second | ${perSecondOf(times, start, seconds).join(", ")} |`);
  const most = Math.floor(seconds < SHORT_S ? allowed + perSecond / 5 : allowed * 1.01);
  const fewest = Math.max(1, Math.ceil(allowed * least));
  const made = times.length;
  return [
    { what: `at most ${most} calls at the vendor, and not ${made}`, isMet: made <= most },
    { what: `at least ${fewest} calls at the vendor, and not ${made}`, isMet: made >= fewest },
  ];
}

async function scriptCalls(redis: ReturnType<typeof connectWorker>): Promise<number> {
  const [, calls] = /cmdstat_evalsha:calls=(\d+)/u.exec(await redis.info("commandstats")) ?? [];
  return Number(calls ?? 0);
}

function fullest(times: readonly number[], spanMs: number): number {
  let most = 0;
  let from = 0;
  for (const [nth, at] of times.entries()) {
    while ((times[from] ?? at) <= at - spanMs) from += 1;
    most = Math.max(most, nth - from + 1);
  }
  return most;
}

function perSecondOf(times: readonly number[], start: number, seconds: number): readonly number[] {
  const counts = Array.from({ length: seconds }, () => 0);
  for (const at of times) {
    const second = Math.floor((at - start) / 1000);
    counts[second] = (counts[second] ?? 0) + 1;
  }
  return counts;
}

async function startVendor(): Promise<{
  readonly url: string;
  readonly times: number[];
  close(): Promise<void>;
}> {
  const times: number[] = [];
  const server = createServer((req, res) => {
    times.push(performance.now());
    req.resume().once("end", () => setTimeout(() => res.end("{}"), LATENCY_MS));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    times,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}
