import { performance } from "node:perf_hooks";

import { durationWords } from "../time.ts";
import { type Finding, findings } from "./finding.ts";
import type { Server } from "./server.ts";

const PINGS = 20;
const SLOW_MS = 5;
const VERY_SLOW_MS = 50;

export async function checkLatency({ redis, cli }: Server): Promise<readonly Finding[]> {
  const told = findings("latency");
  const times: number[] = [];
  for (let i = 0; i < PINGS; i += 1) {
    const before = performance.now();
    await redis.ping();
    times.push(performance.now() - before);
  }
  const sorted = times.toSorted((a, b) => a - b);
  const median = ((sorted[PINGS / 2 - 1] ?? 0) + (sorted[PINGS / 2] ?? 0)) / 2;
  const words = `${median.toFixed(2)} ms median, ${(sorted.at(-1) ?? 0).toFixed(2)} ms at most, of ${PINGS} PINGs`;
  const mend = cli("--latency");
  if (median > VERY_SLOW_MS)
    return [told.problem(`${words}: workers wait for Redis more than they work.`, mend)];
  return [
    median > SLOW_MS ? told.warning(`${words}: put the workers nearer to Redis.`, mend) : told.ok(words),
  ];
}

const SKEWED_MS = 1000;
const VERY_SKEWED_MS = 10_000;

/** Delays, horizons and locks are counted by the clocks of many machines. */
export async function checkClock({ redis }: Server): Promise<readonly Finding[]> {
  const before = Date.now();
  const [seconds, micros] = await redis.time();
  const after = Date.now();
  const theirs = Number(seconds) * 1000 + Number(micros) / 1000;
  return [judgeClock(theirs - (before + after) / 2, (after - before) / 2)];
}

/** @param uncertainMs half the time that the question took */
export function judgeClock(skewMs: number, uncertainMs: number): Finding {
  const told = findings("clock");
  const certain = Math.max(0, Math.abs(skewMs) - uncertainMs);
  const mend = "timedatectl set-ntp true # on the machine that is wrong";
  const words = `The clock of Redis is ${durationWords(Math.abs(skewMs))} ${skewMs > 0 ? "ahead of" : "behind"} this one`;
  if (certain > VERY_SKEWED_MS)
    return told.problem(`${words}: delays and the horizons of keys are wrong by as much.`, mend);
  return certain > SKEWED_MS
    ? told.warning(`${words}.`, mend)
    : told.ok(`within ${durationWords(Math.abs(skewMs) + uncertainMs)} of this machine's`);
}
