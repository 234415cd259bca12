import { quantile } from "../quantile.ts";
import type { Play, Run } from "./run.ts";

export interface Figures {
  /** Of the healthy part before: the mean of its seconds, and the worst of them. */
  readonly healthyPerSecond: number;
  readonly worstHealthyPerSecond: number;
  /**
   * The same of the outage, from when what had piled up until it was known is worked off; of all of it where it was never known.
   * Undefined: the outage was over by then.
   */
  readonly openPerSecond: number | undefined;
  readonly worstOpenPerSecond: number | undefined;
  readonly p99HealthyMs: number;
  readonly p99OutageMs: number;
  /** Seconds from the primary's death until less than a twentieth of the load went to it, and mostly stayed so. Undefined: never. */
  readonly detectedS: number | undefined;
  /** Calls to the dead primary after that, and before. */
  readonly wasted: number | undefined;
  readonly wastedBefore: number;
  /** Seconds from its return until 95 % of the load went to it again. Undefined: not within the run. */
  readonly recoveredS: number | undefined;
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
/** What was held up while it was not known arrives by then. */
const BACKLOG_S = 2;
/** Of the rest of the outage. Whoever is stuck with hanging calls makes few for a second or two, and knows nothing. */
const QUIET_SHARE = 0.9;

export function secondsOf({ mails, callsToPrimary }: Run, length: number): Seconds {
  const arrived = Array.from({ length }, () => 0);
  const calls = Array.from({ length }, () => 0);
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
  const known = range(died, back).find((second) => isQuiet(second) && staysSo(range(second, back), isQuiet));
  const found = known ?? back;
  const isBack = (second: number): boolean => (callsToPrimary[second] ?? 0) >= perSecond * 0.95;
  const recovered = range(back, total).find(isBack);
  const healthy = arrived.slice(1, died);
  const open = arrived.slice((known ?? died) + BACKLOG_S, back);
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
    healthyPerSecond: mean(healthy),
    worstHealthyPerSecond: Math.min(...healthy),
    openPerSecond: open.length === 0 ? undefined : mean(open),
    worstOpenPerSecond: open.length === 0 ? undefined : Math.min(...open),
    p99HealthyMs: latency(1, died),
    p99OutageMs: latency(died, back),
    detectedS: known === undefined ? undefined : known - died,
    wasted: known === undefined ? undefined : between(known, back),
    wastedBefore: between(died, found),
    recoveredS: recovered === undefined ? undefined : recovered - back,
    neverArrived: run.mails.filter(({ arrivedAt }) => arrivedAt === undefined).length,
    copies: run.copies,
    failed: run.failed,
  };
}

function staysSo(seconds: readonly number[], isSo: (second: number) => boolean): boolean {
  return seconds.filter(isSo).length >= seconds.length * QUIET_SHARE;
}

function mean(numbers: readonly number[]): number {
  return numbers.length === 0 ? 0 : numbers.reduce((a, b) => a + b, 0) / numbers.length;
}

function range(from: number, to: number): readonly number[] {
  return Array.from({ length: Math.max(0, to - from) }, (_, n) => from + n);
}
