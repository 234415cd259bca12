import type {
  Adapter,
  Candidate,
  Capability,
  Capacity,
  LookUpCall,
  Outcome,
  ReceiptOf,
  RequestOf,
} from "@understudy/core";

import type { Directive } from "./fleet/directive.ts";

/** One provider of a route, with its gates already round its adapter. */
export interface Link<C extends Capability = Capability> extends Candidate {
  readonly adapter: Adapter<C>;
  readonly lookUp?: Question<C>;
  accepts(request: RequestOf<C>): boolean;
  readonly capacity: () => Capacity;
  /** How well it answers, as this worker sees it; absent: well. */
  readonly health?: () => Health;
  /** What a person wants done with it. */
  readonly directive?: () => Directive | undefined;
}

export interface Health {
  /** Whether calls pass as usual. */
  readonly isClosed: boolean;
  /** Share of failed calls, in [0, 1]. */
  readonly failureRate: number;
  /** Of a call; 0 when none was made lately. */
  readonly meanMs: number;
}

/** How a provider is asked what became of an earlier call. */
export interface Question<C extends Capability = Capability> {
  readonly trustNotFoundAfterMs: number;
  readonly ask: (request: RequestOf<C>, call: LookUpCall) => Promise<Outcome<ReceiptOf<C>> | "not_found">;
}

/** The ordered providers of a capability. */
export interface Route<C extends Capability = Capability> {
  readonly capability: C;
  readonly links: readonly Link<C>[];
  /** When given, the providers share the work by weight; else the first takes it all while it can. */
  readonly weights?: ReadonlyMap<string, number>;
  /** The share of the work that a backup gets while it is not needed, in [0, 1); 0 when absent. */
  readonly keepWarm?: number;
}
