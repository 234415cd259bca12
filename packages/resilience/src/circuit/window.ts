const BUCKETS = 10;

/** What the calls of the last while came to. */
export interface Sums {
  readonly total: number;
  readonly failed: number;
  readonly slow: number;
  /** Failures since the last call that was none. */
  readonly inARow: number;
  /** Of a call; 0 without calls. */
  readonly meanMs: number;
}

export interface Window {
  /** A call that is over. */
  count(isFailure: boolean, durationMs?: number): void;
  /** A call that takes too long, when that is noticed. */
  countSlow(): void;
  sums(): Sums;
  reset(): void;
}

/** Counts over a sliding span, in fixed buckets, so that a call costs no allocation. */
export function createWindow(windowMs: number, now: () => number): Window {
  const bucketMs = windowMs / BUCKETS;
  const total = new Float64Array(BUCKETS);
  const failed = new Float64Array(BUCKETS);
  const slow = new Float64Array(BUCKETS);
  const lasted = new Float64Array(BUCKETS);
  let newest = 0;
  let inARow = 0;

  const bucketNow = (): number => {
    const current = Math.floor(now() / bucketMs);
    for (let bucket = Math.max(newest + 1, current - BUCKETS + 1); bucket <= current; bucket += 1) {
      const place = bucket % BUCKETS;
      total[place] = 0;
      failed[place] = 0;
      slow[place] = 0;
      lasted[place] = 0;
    }
    newest = Math.max(newest, current);
    return newest % BUCKETS;
  };
  const add = (counts: Float64Array, bucket: number, amount = 1): void => {
    counts[bucket] = (counts[bucket] ?? 0) + amount;
  };

  return {
    count(isFailure, durationMs = 0) {
      const bucket = bucketNow();
      add(total, bucket);
      add(lasted, bucket, durationMs);
      inARow = isFailure ? inARow + 1 : 0;
      if (isFailure) add(failed, bucket);
    },
    countSlow: () => add(slow, bucketNow()),
    sums() {
      bucketNow();
      const all = sum(total);
      const meanMs = all === 0 ? 0 : sum(lasted) / all;
      return { total: all, failed: sum(failed), slow: sum(slow), inARow, meanMs };
    },
    reset() {
      for (const counts of [total, failed, slow, lasted]) counts.fill(0);
      inARow = 0;
    },
  };
}

function sum(counts: Float64Array): number {
  let all = 0;
  for (const count of counts) all += count;
  return all;
}
