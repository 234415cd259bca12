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

/** Something that may withhold a call before it is made. It never fails a job: a gate in trouble admits. */
export interface Gate {
  admit(): Admission | Refusal | Promise<Admission | Refusal>;
  /** Epoch milliseconds before which `admit` would refuse for sure; 0 or the past when it might admit now. */
  opensAt(): number;
}
