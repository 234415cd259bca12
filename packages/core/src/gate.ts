import type { Outcome } from "./outcome.ts";

/** Leave to make one call. `settle` is called exactly once: with the call's outcome, or with nothing if no call was made. */
export interface Admission {
  readonly ok: true;
  settle(outcome?: Outcome): void;
}

export interface Refusal {
  readonly ok: false;
  /** "circuit_open", "rate_limited", "bulkhead_full" … */
  readonly code: string;
  readonly retryAfterMs: number;
}

/** What a gate may want to know of a call that is about to be made. */
export interface Ask {
  /** What it takes from the account's limits; 1 for most calls. */
  readonly cost: number;
  /** Whether the job has asked this provider before. */
  readonly isRetry: boolean;
}

/** A call like most. */
export const usualAsk: Ask = { cost: 1, isRetry: false };

/** Something that may withhold a call before it is made. It never fails a job: a gate in trouble admits. */
export interface Gate {
  /** @param ask `usualAsk` when absent */
  admit(ask?: Ask): Admission | Refusal | Promise<Admission | Refusal>;
  readonly capacity: () => Capacity;
}

/** How much more work there is room for. */
export interface Capacity {
  /** How many calls would be admitted if they were made now; Infinity when nothing limits them. */
  readonly room: number;
  /** Epoch milliseconds from when there may be room again; of no meaning while there is. */
  readonly opensAt: number;
}

export const unlimited: Capacity = { room: Infinity, opensAt: 0 };

/** Calls that must pass all of these. */
export function narrowest(capacities: readonly Capacity[]): Capacity {
  return {
    room: Math.min(Infinity, ...capacities.map(({ room }) => room)),
    opensAt: Math.max(0, ...capacities.filter(({ room }) => room <= 0).map(({ opensAt }) => opensAt)),
  };
}

/** Calls that may take any of these. */
export function together(capacities: readonly Capacity[]): Capacity {
  return {
    room: capacities.reduce((sum, { room }) => sum + room, 0),
    opensAt: Math.min(Infinity, ...capacities.map(({ opensAt }) => opensAt)),
  };
}
