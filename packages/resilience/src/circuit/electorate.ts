import type { CircuitOptions } from "./options.ts";
import type { Circuit } from "./state.ts";
import type { Sums } from "./window.ts";

/** What one worker says of a provider: how much it has asked of it lately, and what is wrong with the answers, if anything. */
export interface Vote {
  /** Of the circuit under which it was counted. */
  readonly version: number;
  /** Of the fleet's clock. */
  readonly at: number;
  /** Calls in its window. */
  readonly total: number;
  readonly complaint?: string;
  /** Calls that came back well since the circuit is as it is. */
  readonly alive?: number;
  /** Calls are out for longer than that, and none came back well. */
  readonly isWaiting?: true;
  /** One call is enough to know, such as one whose credentials were refused. */
  readonly isSure?: true;
}

/** A recovery that goes wrong is not looked at for long. */
const MIN_CALLS_OF_A_RAMP = 1;

/** What is wrong with these calls; undefined when nothing is, or when they are too few to tell. */
export function complaintOf(sums: Sums, minCalls: number, options: CircuitOptions): string | undefined {
  if (sums.inARow >= options.failuresInARow) return "failures_in_a_row";
  // A call that hangs is slow before it is over, and so before it is counted.
  const total = Math.max(sums.total, sums.slow);
  if (total < minCalls || total === 0) return undefined;
  if (sums.failed >= total * options.failureRate) return "failure_rate";
  return sums.slow >= total * options.slowRate ? "slow_rate" : undefined;
}

/** Whether a recovery may take its next step: what was asked has been answered by some, or nothing was asked. */
export function mayClimb(
  votes: readonly Vote[],
  circuit: Circuit,
  now: number,
  options: CircuitOptions,
): boolean {
  const counting = votes.filter(
    ({ version, at }) => version === circuit.version && now - at <= options.windowMs,
  );
  return counting.every(({ isWaiting }) => isWaiting !== true) || counting.some(({ alive = 0 }) => alive > 0);
}

export function minCallsOf({ state }: Circuit, { minCalls }: CircuitOptions): number {
  return state.at === "half_open" && state.share < 1 ? Math.min(minCalls, MIN_CALLS_OF_A_RAMP) : minCalls;
}

/**
 * Why the circuit should open for all; undefined when it should not. Those who complain must carry the quorum of the recent
 * traffic, and be two where two or more have any: one bad node speaks for itself alone.
 */
export function quorumOf(
  votes: readonly Vote[],
  circuit: Circuit,
  now: number,
  options: CircuitOptions,
): string | undefined {
  const counting = votes.filter(
    ({ version, at, total }) => version === circuit.version && total > 0 && now - at <= options.windowMs,
  );
  const complaining = counting.filter(({ complaint }) => complaint !== undefined);
  const weight = (some: readonly Vote[]): number => some.reduce((sum, { total }) => sum + total, 0);
  const isEnough =
    weight(counting) >= minCallsOf(circuit, options) || complaining.every(({ isSure }) => isSure);
  const isHeard =
    isEnough &&
    complaining.length >= Math.min(2, counting.length) &&
    weight(complaining) >= weight(counting) * options.quorum;
  return isHeard ? complaining.toSorted((one, other) => other.total - one.total)[0]?.complaint : undefined;
}
