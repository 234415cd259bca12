import type { Outcome, Past, Trail } from "@understudy/core";
import type { Facets, LetterFilter } from "@understudy/dead-letters";
import type { CircuitState, Directive, Verb } from "@understudy/resilience";

import type { Action, Role } from "./roles.ts";

/** A line of the list of dead letters. Holds no payload. */
export interface LetterSummary extends Facets {
  readonly id: string;
  /** Tells it as it is now from what may stand there later: given back as `seen`, nothing is done to anything else. */
  readonly version: string;
  readonly queue: string;
  /** The fingerprint that it shares with its like; see `LetterGroup`. */
  readonly group: string;
  /** BullMQ's failedReason, for people. */
  readonly reason: string;
  /** Spent in the life that ended. */
  readonly attempts: number;
  /** Epoch milliseconds, as all times here. */
  readonly enqueuedAt?: number;
  readonly diedAt: number;
  /** How often a person has put it back before. */
  readonly redrives: number;
  /** Its effect must not happen twice. */
  readonly isMoney: boolean;
}

/** One dead letter with all that is known. */
export interface LetterView extends LetterSummary {
  /** Why it is one, in one sentence. */
  readonly sentence: string;
  /** All calls over all lives, in order. */
  readonly trail: Trail;
  readonly firstCallAt?: number;
  readonly lastCallAt?: number;
  /** With sensitive fields hidden; undefined when it cannot be read. */
  readonly payload: unknown;
  /** JSON paths that are hidden. */
  readonly hidden: readonly string[];
  readonly idempotencyKey?: string;
  readonly generation?: number;
  readonly bound?: { readonly provider: string; readonly firstSentAt: number };
  /** Only these may serve it. */
  readonly providers?: readonly string[];
  /** Its earlier lives, and what people did to it, the oldest first. */
  readonly past: readonly Past[];
  /** Lines of the job's own log. */
  readonly log: readonly string[];
  readonly stacktrace: readonly string[];
  readonly prospect: Prospect;
}

/**
 * What a redrive would do. `safe`: nothing can happen twice. `possible_duplicate`: one more copy may come of it.
 * `needs_look_up`: nobody knows whether it happened, it must not happen twice, and the provider can be asked.
 * `needs_release`: the same, but only a person can find out. `invalid`: today's schema refuses its payload.
 * `unknown_job`, `unreadable`: this program cannot tell. `unserved`: the wanted provider does not or must not serve it.
 */
export type Fate =
  | "safe"
  | "possible_duplicate"
  | "needs_look_up"
  | "needs_release"
  | "invalid"
  | "unknown_job"
  | "unreadable"
  | "unserved";

export const blockedFates: readonly Fate[] = [
  "needs_look_up",
  "needs_release",
  "invalid",
  "unknown_job",
  "unreadable",
  "unserved",
];

export interface Prospect {
  readonly fate: Fate;
  /** The provider that would be asked first, as far as it is known here. */
  readonly target?: string;
  /** Its provider has forgotten the idempotency key: the same key would make a new effect. */
  readonly isPastHorizon: boolean;
  /** For people: what would happen, or what stands in the way and what unblocks it. */
  readonly sentence: string;
}

export interface LetterPage {
  readonly letters: readonly LetterSummary[];
  /** How many match; with a text to search for, undefined: it is known only once all are read. */
  readonly total?: number;
  /** Give it back for the next page; undefined at the end. */
  readonly next?: string;
  /** With a text to search for: how many were read for this page. */
  readonly read?: number;
}

/** Letters that died of the same. */
export interface LetterGroup extends Facets {
  readonly group: string;
  readonly queue: string;
  /** Of one of them. */
  readonly reason: string;
  readonly count: number;
  readonly oldestAt: number;
  readonly newestAt: number;
  readonly isMoney: boolean;
}

export interface GroupPage {
  /** The most numerous first. */
  readonly groups: readonly LetterGroup[];
  /** Of letters in all of them. */
  readonly total: number;
}

/** Which letters: by name, or all that match when it is done. */
export type Selection = { readonly ids: readonly string[] } | { readonly filter: LetterFilter };

/** What may be done to many letters at once. */
export type BulkAction = Extract<Action, "redrive" | "look-up" | "release" | "discard">;

export interface PlanOptions {
  /** How many a second; default 10. */
  readonly perSecond?: number;
  /** Only this provider shall serve them. */
  readonly provider?: string;
}

/** What a redrive of many would do. Changes nothing. */
export interface Plan {
  readonly total: number;
  readonly fates: Readonly<Record<Fate, number>>;
  /** Of those that wait for a look-up or a release: how many are past their provider's horizon. */
  readonly pastHorizon: number;
  /** How many would go to which provider first; "unknown" when no worker has told its routes. */
  readonly targets: Readonly<Record<string, number>>;
  /** Of jobs whose effect must not happen twice. */
  readonly money: number;
  readonly perSecond: number;
  /** Milliseconds for those that would be redriven. */
  readonly durationMs: number;
  /** A sentence for each thing to know or to do, the most important first. */
  readonly advice: readonly string[];
  /** Letters that died later are not part of it. */
  readonly madeAt: number;
}

export type RunState = "running" | "stopped" | "done";

/** A bulk action: durable, driven by one process at a time, and resumable by any. */
export interface Run {
  readonly id: string;
  readonly action: BulkAction;
  readonly selection: Selection;
  readonly perSecond: number;
  readonly provider?: string;
  readonly by: string;
  /** That of whoever began it; what it does, it does by that one's rights. */
  readonly role: Role;
  readonly reason: string;
  readonly state: RunState;
  /** Running, but whoever drove it is gone: resume it. */
  readonly isOrphan: boolean;
  readonly startedAt: number;
  readonly endedAt?: number;
  /** How many there were when it began. */
  readonly total: number;
  /** Letters looked at. */
  readonly seen: number;
  /** Of those: how many it was done to. */
  readonly done: number;
  /** Why others were left alone: how many of each answer. */
  readonly left: Readonly<Record<string, number>>;
}

/** Why a job is where it is. */
export interface Explanation {
  readonly id: string;
  readonly state: "waiting" | "snoozing" | "active" | "completed" | "dead" | "absent";
  readonly queue?: string;
  readonly job?: string;
  /** One sentence. */
  readonly sentence: string;
  /** What may be done about it; commands of the CLI stand in backquotes. */
  readonly advice: readonly string[];
  readonly trail: Trail;
  readonly past: readonly Past[];
  /** When a snoozing job is due. */
  readonly dueAt?: number;
}

export interface QueueView {
  readonly name: string;
  readonly isPaused: boolean;
  readonly waiting: number;
  readonly delayed: number;
  readonly active: number;
  readonly completed: number;
  readonly dead: number;
  /** In the failed set, without a dead letter yet. */
  readonly failed: number;
  /** How long ago the job that has waited longest was enqueued, milliseconds. */
  readonly oldestWaitingMs?: number;
  /** How long ago the oldest dead letter died, milliseconds. */
  readonly oldestDeadMs?: number;
  /** Settled for good a second, over the last minute. */
  readonly perSecond: number;
  /** Milliseconds until nothing waits, at that rate; undefined when it never would. */
  readonly drainMs?: number;
  /** Live worker processes that serve it. */
  readonly workers: number;
}

/** What the fleet's workers heard of one provider over the window. */
export interface ProviderView {
  readonly provider: string;
  readonly capabilities: readonly CapabilityView[];
  /** The span that the figures are of. */
  readonly windowMs: number;
  readonly lastError?: Pick<Outcome, "at"> & { readonly code: string };
  /** A person's word about one that no live worker has on a route, and nothing more is known of. */
  readonly directive?: Directive;
}

/** How one provider answers for one capability, over the whole fleet. Rates are shares of its calls, in [0, 1]. */
export interface CapabilityView {
  readonly capability: string;
  /** Its effect must not happen twice. */
  readonly isMoney: boolean;
  /** Its providers are no rivals: each gets a copy of its own. */
  readonly isSink: boolean;
  /** On the route, from 1; absent when no live worker has it on one. */
  readonly place?: number;
  /** Calls really made. */
  readonly calls: number;
  readonly errorRate: number;
  readonly unknownRate: number;
  readonly slowRate: number;
  readonly throttled: number;
  readonly withheld: number;
  /** Milliseconds; absent without calls. */
  readonly latency?: { readonly p50: number; readonly p95: number; readonly p99: number };
  /** Its part of what all providers of the capability delivered. */
  readonly trafficShare: number;
  readonly state: CircuitState;
  readonly reason: string;
  /** Since when it is not closed, failed probes and all; of a closed one, since when it is. 0 when it never changed. */
  readonly since: number;
  /** How many workers hold it open for themselves alone. */
  readonly openOnWorkers: number;
  /** Live ones that have it on a route. */
  readonly workers: number;
  /** A person's word that holds for it now. */
  readonly directive?: Directive;
  /** When it last delivered, as far as is remembered. */
  readonly provenAt?: number;
  /** For people, when it is not as usual: what is the matter, and who does its work meanwhile. */
  readonly sentence?: string;
}

/** What a person wants done with a provider. */
export interface Order {
  readonly verb: Verb;
  readonly provider: string;
  /** Absent: for all of the provider's. */
  readonly capability?: string;
  /** For how long, milliseconds, up to 30 days; absent: until it is restored. */
  readonly forMs?: number;
}

/** What is restored. */
export interface RestoreOrder extends Pick<Order, "provider" | "capability"> {
  /** Since when the words hold that whoever restores was shown; what was said after them stays. */
  readonly seen?: readonly number[];
}

export interface Weighed {
  /** Those that it is about. */
  readonly capabilities: readonly string[];
  /** One of them must not happen twice, so that it takes a money-operator. */
  readonly isMoney: boolean;
  readonly consequence: string;
  /** A sentence for each thing that speaks against it, the worst first. */
  readonly warnings: readonly string[];
}

export interface Directed extends Weighed {
  readonly directive: Directive;
}

export interface WeighedRestore extends Weighed {
  /** What would be taken back. */
  readonly directives: readonly Directive[];
}

export interface Restored {
  /** "changed": something else was said of it meanwhile, which stays; so not all of it was taken back. */
  readonly answer: "restored" | "nothing" | "changed";
  /** What was taken back. */
  readonly directives: readonly Directive[];
  /** For people. */
  readonly sentence: string;
}
