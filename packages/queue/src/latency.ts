/** Each bucket ends so much above the one before: its middle is at most 10 % off whatever fell into it. */
const STEP = 1.2;
/** Ten minutes; nothing takes longer than its deadline. */
const LAST = 73;

/** The bucket of a duration in milliseconds; the first holds everything up to 1 ms. */
export function bucketOf(ms: number): number {
  return ms <= 1 ? 0 : Math.min(LAST, Math.ceil(Math.log(ms) / Math.log(STEP) - 1e-9));
}

/** The duration that stands for all in a bucket: its geometric middle. */
function middleOf(bucket: number): number {
  return bucket === 0 ? 1 : STEP ** (bucket - 0.5);
}

/**
 * The duration that so large a part of them did not exceed; undefined of none.
 * @param counts how many fell into each bucket @param part in (0, 1]
 */
export function quantileOf(counts: ReadonlyMap<number, number>, part: number): number | undefined {
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  let left = Math.ceil(total * part);
  for (const [bucket, count] of [...counts].toSorted(([a], [b]) => a - b)) {
    left -= count;
    if (left <= 0) return middleOf(bucket);
  }
  return undefined;
}
