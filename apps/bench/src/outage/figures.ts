import type { Play, Run } from "./run.ts";

export interface Figures {
  /** Of the healthy part before, and of the worst second of the outage once the primary was no longer asked. */
  readonly healthyPerSecond: number;
  readonly openPerSecond: number;
  readonly p99HealthyMs: number;
  readonly p99OutageMs: number;
  /** Seconds from the primary's death until less than a twentieth of the load went to it. */
  readonly detectedS: number;
  /** Calls to the dead primary after that, and how many a probe every five seconds would be. */
  readonly wasted: number;
  readonly wastedBefore: number;
  /** Seconds from its return until 95 % of the load went to it again. */
  readonly recoveredS: number;
  readonly neverArrived: number;
  readonly copies: number;
  readonly failed: number;
}

export interface Seconds {
  readonly arrived: readonly number[];
  readonly callsToPrimary: readonly number[];
  /** Of what was enqueued in that second. */
  readonly p99Ms: readonly number[];
}

const NEVER_MS = 600_000;

export function secondsOf({ mails, callsToPrimary }: Run, length: number): Seconds {
  const arrived = new Array<number>(length).fill(0);
  const calls = new Array<number>(length).fill(0);
  const latencies: number[][] = Array.from({ length }, () => []);
  const add = (counts: number[], at: number): void => {
    const second = Math.floor(at / 1000);
    if (second >= 0 && second < length) counts[second] = (counts[second] ?? 0) + 1;
  };
  for (const { at, arrivedAt } of mails) {
    if (arrivedAt !== undefined) add(arrived, arrivedAt);
    latencies[Math.floor(at / 1000)]?.push((arrivedAt ?? NEVER_MS) - at);
  }
  for (const at of callsToPrimary) add(calls, at);
  return { arrived, callsToPrimary: calls, p99Ms: latencies.map((ms) => quantile(ms, 0.99)) };
}

/** The outage is what lies between the first and the last act. */
export function figuresOf(run: Run, { acts, perSecond }: Play): Figures {
  const total = acts.reduce((sum, { seconds }) => sum + seconds, 0);
  const died = acts[0]?.seconds ?? 0;
  const back = total - (acts.at(-1)?.seconds ?? 0);
  const { arrived, callsToPrimary } = secondsOf(run, total);
  const isQuiet = (second: number): boolean => (callsToPrimary[second] ?? 0) < perSecond / 20;
  const found = range(died, back).find(isQuiet) ?? back;
  const isBack = (second: number): boolean => (callsToPrimary[second] ?? 0) >= perSecond * 0.95;
  const recovered = range(back, total).find(isBack) ?? total;
  const between = (from: number, to: number): number =>
    run.callsToPrimary.filter((at) => at >= from * 1000 && at < to * 1000).length;
  const latency = (from: number, to: number): number =>
    quantile(
      run.mails
        .filter(({ at }) => at >= from * 1000 && at < to * 1000)
        .map(({ at, arrivedAt }) => (arrivedAt ?? NEVER_MS) - at),
      0.99,
    );
  return {
    healthyPerSecond: mean(arrived.slice(1, died)),
    openPerSecond: mean(arrived.slice(found + 1, back)),
    p99HealthyMs: latency(1, died),
    p99OutageMs: latency(died, back),
    detectedS: found - died,
    wasted: between(found, back),
    wastedBefore: between(died, found),
    recoveredS: recovered - back,
    neverArrived: run.mails.filter(({ arrivedAt }) => arrivedAt === undefined).length,
    copies: run.copies,
    failed: run.failed,
  };
}

export function quantile(numbers: readonly number[], q: number): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0;
}

function mean(numbers: readonly number[]): number {
  return numbers.length === 0 ? 0 : numbers.reduce((a, b) => a + b, 0) / numbers.length;
}

function range(from: number, to: number): readonly number[] {
  return Array.from({ length: Math.max(0, to - from) }, (_, n) => from + n);
}
