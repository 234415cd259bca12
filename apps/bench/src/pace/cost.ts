import { cpus } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";

import type { Gate } from "@understudy/core";
import { connectWorker } from "@understudy/queue";
import {
  createRateLimiter,
  type Limit,
  measureOf,
  openPaceStore,
  type PaceStore,
} from "@understudy/resilience";

import type { Requirement } from "../requirements.ts";

/** Far above what is asked for: what is measured is the asking. */
const limits: readonly Limit[] = [
  { calls: 1_000_000, perMs: 1000 },
  { calls: 1_000_000_000, perMs: 86_400_000 },
];
const ways = ["a round trip a call", "leased"] as const;
type Way = (typeof ways)[number];

interface Round {
  readonly microseconds: number;
  readonly roundTrips: number;
}

/** Time and round trips of an admission, one call after another and 50 at once; the two ways take turns. */
export async function cost(
  url: string,
  { calls, rounds }: { readonly calls: number; readonly rounds: number },
): Promise<readonly Requirement[]> {
  const redis = connectWorker(url);
  // As Redis is mostly run; the bench's own syncs each write, which would flatter whoever writes less.
  await redis.config("SET", "appendfsync", "everysec");
  const results = new Map<string, Round[]>();
  const run = async (way: Way, atOnce: number, nth: number): Promise<Round> => {
    const counted = counting(openPaceStore(redis, `cost-${nth}`));
    const gate = way === "leased" ? leased(counted.store) : askingEachTime(counted.store);
    // Warm: the script is known, and the batch has grown.
    await callAll(gate, Math.min(calls, 500), atOnce);
    const before = counted.count();
    const started = performance.now();
    await callAll(gate, calls, atOnce);
    const elapsedMs = performance.now() - started;
    return {
      microseconds: (elapsedMs * 1000) / calls,
      roundTrips: ((counted.count() - before) * 1000) / calls,
    };
  };
  for (let round = 0; round < rounds; round += 1)
    for (const atOnce of [1, 50])
      for (const way of ways) {
        const key = `${way}, ${atOnce} at once`;
        results.set(key, [...(results.get(key) ?? []), await run(way, atOnce, results.size * 100 + round)]);
      }
  const paced = await atPace(redis, Math.min(calls, 2000));
  redis.disconnect();
  report(results, calls, paced);
  const trips = (key: string): number => median((results.get(key) ?? []).map(({ roundTrips }) => roundTrips));
  return [1, 50].map((atOnce) => ({
    what: `leased, ${atOnce} at once, less than half the round trips of one a call`,
    isMet: trips(`leased, ${atOnce} at once`) < trips(`${ways[0]}, ${atOnce} at once`) / 2,
  }));
}

/** As a worker calls: a thousand a second, far from as fast as it can. Answers with round trips per 1,000. */
async function atPace(redis: ReturnType<typeof connectWorker>, calls: number): Promise<number> {
  const counted = counting(openPaceStore(redis, "paced"));
  const gate = leased(counted.store);
  const started = performance.now();
  for (let made = 0; made < calls; await sleep(1))
    for (; made < calls && made < performance.now() - started; made += 1) await gate.admit();
  return (counted.count() * 1000) / calls;
}

function leased(store: PaceStore): Gate {
  return createRateLimiter({
    now: Date.now,
    limits,
    shared: { store, account: "a", isReachable: () => true },
  });
}

function askingEachTime(store: PaceStore): Gate {
  const ask = {
    want: 1,
    need: 1,
    back: [],
    spent: 0,
    earned: 0,
    closeForMs: 0,
    measures: limits.map(measureOf),
  };
  return {
    capacity: () => ({ room: 1, opensAt: 0 }),
    async admit() {
      const { granted, opensInMs } = await store.lease({ books: "pace", name: "a" }, ask);
      return granted > 0
        ? { ok: true, settle: () => undefined }
        : { ok: false, code: "rate_limited", retryAfterMs: opensInMs };
    },
  };
}

async function callAll(gate: Gate, calls: number, atOnce: number): Promise<void> {
  let left = calls;
  const one = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const answer = gate.admit();
      if (answer instanceof Promise) await answer;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, one));
}

function counting(store: PaceStore): { readonly store: PaceStore; count(): number } {
  let count = 0;
  return {
    count: () => count,
    store: {
      lease(of, ask) {
        count += 1;
        return store.lease(of, ask);
      },
    },
  };
}

function report(results: ReadonlyMap<string, readonly Round[]>, calls: number, paced: number): void {
  const lines = [...results].map(([key, rounds]) => {
    const times = rounds.map(({ microseconds }) => microseconds);
    const trips = median(rounds.map(({ roundTrips }) => roundTrips));
    return `| ${key} | ${median(times).toFixed(1)} | ${trips.toFixed(1)} | ${times.map((one) => one.toFixed(1)).join(", ")} |`;
  });
  console.log(`pace: ${calls} admissions a round, two limits; ${cpus().length} × ${cpus()[0]?.model ?? "?"}
| | µs an admission (median) | round trips per 1,000 | raw µs |
| --- | ---: | ---: | --- |
${lines.join("\n")}
| leased, 1,000 calls a second | | ${paced.toFixed(1)} | |
`);
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
