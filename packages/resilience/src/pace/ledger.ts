import { burstOf, BUCKETS, type Measure, SLACK_MS } from "./limit.ts";

/** The books of one account, kept in this process. */
export interface Ledger {
  /** Takes up to `want`, or nothing when there is no room for `need`. */
  take(want: number, need: number): number;
  giveBack(permits: number, at: number): void;
  /** Counts what was used without asking, where it is counted at all. */
  spend(permits: number): void;
  earn(amount: number): void;
  room(): number;
  /** Milliseconds until there is room for `need`; 0 when there is. */
  opensInMs(need: number): number;
  /** What is left in the counted windows. */
  left(): number;
}

interface Book {
  readonly measure: Measure;
  readonly burst: number;
  room(): number;
  opensInMs(need: number): number;
  add(permits: number, at: number): void;
  earn(amount: number): void;
}

export function createLedger(measures: readonly Measure[], now: () => number): Ledger {
  const books = measures.map((measure) =>
    measure.kind === "even" ? evenBook(measure, now) : countBook(measure, now),
  );
  const counted = books.filter(({ measure }) => measure.kind === "count");
  const roomIn = (some: readonly Book[]): number => Math.min(Infinity, ...some.map((book) => book.room()));
  return {
    take(want, need) {
      if (books.some((book) => book.room() < Math.min(need, book.burst))) return 0;
      const granted = Math.max(need, Math.min(want, roomIn(books)));
      for (const book of books) book.add(granted, now());
      return granted;
    },
    giveBack(permits, at) {
      for (const book of books) book.add(-permits, at);
    },
    spend(permits) {
      for (const book of counted) book.add(permits, now());
    },
    earn(amount) {
      for (const book of books) book.earn(amount);
    },
    room: () => Math.max(0, roomIn(books)),
    opensInMs: (need) => Math.max(0, ...books.map((book) => book.opensInMs(need))),
    left: () => roomIn(counted),
  };
}

/** GCRA: one number, the time at which the bucket would be full again. */
function evenBook(measure: Measure & { readonly kind: "even" }, now: () => number): Book {
  const { intervalMs, toleranceMs } = measure;
  const burst = burstOf(measure);
  let fullAt = 0;
  return {
    measure,
    burst,
    // A hair, so that a permit whose time has come is not lost to rounding.
    room: () => Math.floor((now() + toleranceMs - Math.max(fullAt, now())) / intervalMs + 1 + 1e-6),
    opensInMs(need) {
      return fullAt + (Math.min(Math.max(need, 1), burst) - 1) * intervalMs - toleranceMs - now();
    },
    add(permits) {
      fullAt = permits < 0 ? fullAt + permits * intervalMs : Math.max(fullAt, now()) + permits * intervalMs;
    },
    earn: () => undefined,
  };
}

interface Bucket {
  readonly index: number;
  taken: number;
  earned: number;
}

/** Counts a bucket for as long as any part of it may be in the window, so that no window holds more than its limit. */
function countBook(measure: Measure & { readonly kind: "count" }, now: () => number): Book {
  const { floor, share, perMs } = measure;
  const widthMs = perMs / BUCKETS;
  let buckets: Bucket[] = [];
  const endsAt = ({ index }: Bucket): number => (index + 1) * widthMs + perMs + SLACK_MS;
  const standing = (): readonly Bucket[] => {
    if (buckets[0] !== undefined && endsAt(buckets[0]) <= now())
      buckets = buckets.filter((bucket) => endsAt(bucket) > now());
    return buckets;
  };
  const bucketAt = (at: number): Bucket => {
    const index = Math.floor(at / widthMs);
    const found = buckets.find((bucket) => bucket.index === index);
    if (found !== undefined) return found;
    const bucket = { index, taken: 0, earned: 0 };
    buckets.push(bucket);
    return bucket;
  };
  const room = (): number => {
    const sum = (of: "taken" | "earned"): number =>
      standing().reduce((total, bucket) => total + bucket[of], 0);
    return Math.floor(floor + share * sum("earned") - sum("taken") + 1e-6);
  };
  return {
    measure,
    burst: Infinity,
    room,
    opensInMs(need) {
      if (room() >= Math.max(need, 1)) return 0;
      const oldest = standing().find(({ taken }) => taken > 0);
      return oldest === undefined ? widthMs : endsAt(oldest) - now();
    },
    add(permits, at) {
      const bucket = bucketAt(at);
      bucket.taken = Math.max(0, bucket.taken + permits);
    },
    earn(amount) {
      bucketAt(now()).earned += amount;
    },
  };
}
