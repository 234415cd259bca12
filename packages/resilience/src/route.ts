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

/** One provider of a route, with its gates already round its adapter. */
export interface Link<C extends Capability = Capability> extends Candidate {
  readonly adapter: Adapter<C>;
  readonly lookUp?: Question<C>;
  accepts(request: RequestOf<C>): boolean;
  readonly capacity: () => Capacity;
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
}
