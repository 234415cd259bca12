import type { CircuitOptions } from "./options.ts";

/** Times are epoch milliseconds; for a circuit that is shared, of the fleet's clock. */
export type CircuitState =
  | { readonly at: "closed" }
  /** Nobody calls before `until`. */
  | { readonly at: "open"; readonly until: number }
  /** `share` of the usual traffic may pass, until `climbAt` at least; at 0 only the probe. */
  | { readonly at: "half_open"; readonly share: number; readonly climbAt?: number; readonly probe?: Probe }
  /** Held open by a person. */
  | { readonly at: "isolated"; readonly reason: string; readonly until?: number };

export interface Probe {
  readonly owner: string;
  /** After which it counts as lost. */
  readonly until: number;
}

/** What workers agree on about a provider's capability. Never changed in place: each change is a new one. */
export interface Circuit {
  /** Grows with each change. */
  readonly version: number;
  readonly state: Exclude<CircuitState, { readonly at: "isolated" }>;
  readonly since: number;
  /** Why it is so: "failure_rate", "slow_rate", "failures_in_a_row", "unauthorized" …; "recovered" and the like when it is well. */
  readonly reason: string;
  /** How often it opened without recovering between. */
  readonly openings: number;
  /** When it last opened after it had been closed; absent while it is closed. */
  readonly openedAt?: number;
}

export const closedCircuit: Circuit = {
  version: 0,
  state: { at: "closed" },
  since: 0,
  reason: "new",
  openings: 0,
};

/**
 * The steps of a recovery, as shares of the usual traffic. Above 1 it is what has piled up meanwhile that comes on top, and not all
 * of it at once; the last step is followed by as much as there is.
 */
export const rampShares: readonly number[] = [0.01, 0.05, 0.25, 1, 1.25, 1.5, 2, 3, 4, 6, 8];

/** How many steps long it stays on the one below after too much of what had piled up. */
const HOLD_STEPS = 5;

/** What may become of a circuit; undefined when it does not apply any more, since somebody was quicker. */
export type Change = Circuit | undefined;

/**
 * The calls of a closed circuit, or of one that was recovering, show that the provider fails: it opens. One that took its usual
 * traffic and fails under more than that gets less again.
 */
export function trip(circuit: Circuit, reason: string, now: number, options: CircuitOptions): Change {
  const { state } = circuit;
  if (state.at === "open" || (state.at === "half_open" && state.share === 0)) return undefined;
  const lower = state.at === "half_open" ? rampShares.findLast((share) => share < state.share) : undefined;
  if (lower === undefined || lower < 1) return opened(circuit, reason, now, options);
  const climbAt = now + options.rampMs * HOLD_STEPS;
  return next(circuit, { at: "half_open", share: lower, climbAt }, now, { reason });
}

/** Makes `owner` the one who may send a probe: it is time, and nobody else's probe is out. */
export function claim(circuit: Circuit, owner: string, now: number, options: CircuitOptions): Change {
  return isProbeDue(circuit, now)
    ? next(circuit, { at: "half_open", share: 0, probe: { owner, until: now + options.probeLeaseMs } }, now, {
        reason: circuit.reason,
      })
    : undefined;
}

export function isProbeDue({ state }: Circuit, now: number): boolean {
  if (state.at === "open") return now >= state.until;
  return state.at === "half_open" && state.share === 0 && now >= (state.probe?.until ?? 0);
}

/** What the owner's probe has shown. */
export function probed(
  circuit: Circuit,
  owner: string,
  { isAlive, reason, now }: { readonly isAlive: boolean; readonly reason: string; readonly now: number },
  options: CircuitOptions,
): Change {
  if (!isOwnProbe(circuit, owner)) return undefined;
  return isAlive ? climbed(circuit, rampShares[0], now, options) : opened(circuit, reason, now, options);
}

/** The owner could not send it after all. What kept it may keep the next one: nobody tries for a while. */
export function giveUp(circuit: Circuit, owner: string, now: number, options: CircuitOptions): Change {
  return isOwnProbe(circuit, owner)
    ? next(circuit, { at: "open", until: now + options.probeEveryMs }, now, { reason: circuit.reason })
    : undefined;
}

/** The next step of a recovery, once this one has lasted long enough without a complaint. */
export function climb(circuit: Circuit, now: number, options: CircuitOptions): Change {
  const { state } = circuit;
  if (state.at !== "half_open" || state.share === 0 || now < (state.climbAt ?? 0)) return undefined;
  const higher = rampShares.find((share) => share > state.share);
  return climbed(circuit, higher, now, options);
}

/** Whether its usual traffic may pass in part or more, after a probe came back. */
export function isRecovering({ state }: Circuit): boolean {
  return state.at === "half_open" && state.share > 0;
}

export function isOwnProbe({ state }: Circuit, owner: string): boolean {
  return state.at === "half_open" && state.share === 0 && state.probe?.owner === owner;
}

function climbed(
  circuit: Circuit,
  share: number | undefined,
  now: number,
  { rampMs }: CircuitOptions,
): Circuit {
  return share === undefined || rampMs === 0
    ? next(circuit, { at: "closed" }, now, { reason: "recovered", openings: 0 })
    : next(circuit, { at: "half_open", share, climbAt: now + rampMs }, now, { reason: "recovering" });
}

function opened(circuit: Circuit, reason: string, now: number, options: CircuitOptions): Circuit {
  const openMs = Math.min(options.openMs * 2 ** circuit.openings, options.maxOpenMs);
  return next(circuit, { at: "open", until: now + openMs }, now, { reason, openings: circuit.openings + 1 });
}

function next(
  { openedAt, ...circuit }: Circuit,
  state: Circuit["state"],
  since: number,
  rest: Partial<Pick<Circuit, "reason" | "openings">>,
): Circuit {
  const changed = { ...circuit, ...rest, version: circuit.version + 1, state, since };
  return state.at === "closed" ? changed : { ...changed, openedAt: openedAt ?? since };
}
