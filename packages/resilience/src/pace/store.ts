import type { Pace } from "@understudy/core";

import type { Measure } from "./limit.ts";

/** Permits that were taken together. */
export interface Lot {
  readonly permits: number;
  /** The store's clock when they were taken. */
  readonly at: number;
}

export interface PaceAsk {
  readonly measures: readonly Measure[];
  readonly want: number;
  /** Fewer are of no use; 0 to look only. */
  readonly need: number;
  /** What was taken before and not used. */
  readonly back: readonly Lot[];
  /** What was used without asking, while nobody could be asked. */
  readonly spent: number;
  /** What raises the limit of those measures that have a share. */
  readonly earned: number;
  /** The provider wants nobody to call for so long. */
  readonly closeForMs: number;
  /** What the provider says is left. */
  readonly pace?: Pace;
}

export interface PaceGrant {
  readonly granted: number;
  /** How many more would be granted now. */
  readonly room: number;
  /** Until more are; 0 when there is room. */
  readonly opensInMs: number;
  readonly closedForMs: number;
  /** Processes that have asked lately, this one included. */
  readonly users: number;
  readonly pace?: Pace;
  /** What is left in the counted windows; Infinity where there are none. */
  readonly left: number;
  /** The store's clock. */
  readonly at: number;
}

/** Where a fleet keeps the books of its accounts and budgets, as one process of it sees them. Rejects when it cannot be reached, or takes nothing. */
export interface PaceStore {
  /** @param of which books: `pace` of an account, or the `budget` of a provider */
  lease(of: { readonly books: "pace" | "budget"; readonly name: string }, ask: PaceAsk): Promise<PaceGrant>;
}
