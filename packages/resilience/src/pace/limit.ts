/** So many calls in any span of so many milliseconds, whoever of the fleet makes them. */
export interface Limit {
  readonly calls: number;
  readonly perMs: number;
}

/** How a limit is kept: evenly, or by counting what a rolling window holds. */
export type Measure =
  | { readonly kind: "even"; readonly intervalMs: number; readonly toleranceMs: number }
  | { readonly kind: "count"; readonly floor: number; readonly share: number; readonly perMs: number };

/** A longer window is counted: kept evenly, a day's burst would let nearly twice the limit through. */
const LONGEST_EVEN_MS = 60_000;
/** How much may go at once after a pause, and how late a call may come without losing its place. */
const BURST_MS = 100;
const LATE_MS = 50;

/** Of a counted window; what falls out of it does so in steps of one bucket. */
export const BUCKETS = 24;
/** A permit may be used so much later than it was counted. */
export const SLACK_MS = 1000;

export function measureOf({ calls, perMs }: Limit): Measure {
  if (perMs > LONGEST_EVEN_MS) return { kind: "count", floor: calls, share: 0, perMs };
  const intervalMs = perMs / calls;
  const toleranceMs = Math.max(BURST_MS - intervalMs, Math.min(intervalMs / 2, LATE_MS));
  return { kind: "even", intervalMs, toleranceMs };
}

/** The part of a measure that one of so many keeps to when it cannot ask the others. */
export function partOf(measure: Measure, users: number): Measure {
  if (measure.kind === "count") return { ...measure, floor: measure.floor / users };
  const intervalMs = measure.intervalMs * users;
  return { ...measure, intervalMs, toleranceMs: Math.max(measure.toleranceMs - intervalMs, intervalMs / 2) };
}

/** The most that may go at once; a call that costs more goes alone, and is paid for afterwards. */
export function burstOf(measure: Measure): number {
  return measure.kind === "even" ? Math.floor(measure.toleranceMs / measure.intervalMs) + 1 : Infinity;
}
