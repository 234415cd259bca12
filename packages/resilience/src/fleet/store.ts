import type { Vote } from "../circuit/electorate.ts";
import type { Circuit } from "../circuit/state.ts";
import type { Directive, Verb } from "./directive.ts";

/** Which circuit: a provider's capability. */
export interface CircuitName {
  readonly provider: string;
  readonly capability: string;
}

export interface SharedCircuit extends CircuitName {
  readonly circuit: Circuit;
}

/** What the fleet holds in common. */
export interface FleetRecords {
  /** Those that were ever opened. */
  readonly circuits: readonly SharedCircuit[];
  readonly directives: readonly Directive[];
  /** The fleet's clock, epoch milliseconds. */
  readonly now: number;
}

/** One line of the fleet's history. */
export type Transition = CircuitTransition | DirectiveTransition;

export interface CircuitTransition extends CircuitName {
  readonly what: "circuit";
  readonly from: Circuit["state"]["at"];
  readonly to: Circuit["state"]["at"];
  /** Of a recovery's step. */
  readonly share?: number;
  readonly reason: string;
  /** The worker that wrote it. */
  readonly by: string;
  /** Epoch milliseconds of the fleet's clock. */
  readonly at: number;
}

export interface DirectiveTransition {
  readonly what: "directive";
  readonly provider: string;
  readonly capability?: string;
  /** "restore": a person took it back; "expire": its time was over. */
  readonly verb: Verb | "restore" | "expire";
  readonly reason: string;
  readonly by: string;
  readonly at: number;
  readonly until?: number;
}

/** The right to send a probe, which a provider's circuits share. */
export type Lease = { readonly take: number } | "release" | "none";

export type Swapped =
  | { readonly at: "done" }
  /** Somebody was quicker: this is how it stands. */
  | { readonly at: "other"; readonly circuit: Circuit }
  /** Another probe of this provider was sent too lately. */
  | { readonly at: "leased" };

/** Where a fleet keeps what it has in common. Every function rejects when it cannot be reached, or takes nothing. */
export interface FleetStore {
  /** Also finds out whether anything could be written. */
  read(): Promise<FleetRecords>;
  /** Puts `after` in place of `before` if nobody has changed it since, tells everybody, and writes it into the history. */
  swap(
    name: CircuitName,
    change: {
      readonly before: Circuit;
      readonly after: Circuit;
      readonly by: string;
      readonly lease: Lease;
    },
  ): Promise<Swapped>;
  /** Takes the right to send a probe; false when another was sent too lately. */
  lease(provider: string, forMs: number): Promise<boolean>;
  /** Leaves a worker's vote. */
  vote(name: CircuitName, worker: string, vote: Vote): Promise<void>;
  /** All that there are. */
  votes(name: CircuitName): Promise<readonly Vote[]>;
  /** Writes down again what was given, unless its history says that it was taken back or replaced since. */
  retell(directive: Directive): Promise<void>;
  /** Takes away what has expired, once. */
  expire(directive: Directive): Promise<void>;
}

/** What is pushed to every worker. */
export interface FleetNews {
  circuit(shared: SharedCircuit): void;
  /** Some directive was given or taken back: read them. */
  directives(): void;
  /** News may have been missed. */
  reconnected(): void;
}
