import {
  type Admission,
  breakerSignal,
  type Gate,
  type Outcome,
  type Refusal,
  unlimited,
} from "@understudy/core";

import type { Health } from "../route.ts";
import { complaintOf, mayClimb, minCallsOf, quorumOf, type Vote } from "./electorate.ts";
import { type CircuitOptions, defaultCircuit } from "./options.ts";
import { createOverdue, type Timed } from "./overdue.ts";
import type { Peers } from "./peers.ts";
import { createRamp } from "./ramp.ts";
import {
  type Change,
  type Circuit,
  type CircuitState,
  claim,
  climb,
  closedCircuit,
  giveUp,
  isOwnProbe,
  isProbeDue,
  isRecovering,
  probed,
  trip,
} from "./state.ts";
import { createWindow } from "./window.ts";

export interface CircuitBreaker extends Gate {
  /** What holds for this worker now. */
  state(): CircuitState;
  /** The circuit behind it: whether it is everybody's or this worker's alone, why, and since when. */
  view(): CircuitView;
  health(): Health;
  /** What the fleet holds now; an older one than is known is ignored. */
  learn(circuit: Circuit): void;
  /** The others cannot be reached any more: goes on from here alone. */
  detach(): void;
  /** Does what is due without a call; to be called several times a second where there are peers. */
  tick(): void;
}

export interface CircuitView {
  readonly state: CircuitState;
  readonly scope: "fleet" | "worker";
  readonly reason: string;
  readonly since: number;
}

interface Parts {
  readonly now: () => number;
  /** In [0, 1). */
  readonly random?: () => number;
  readonly options?: Partial<CircuitOptions>;
  readonly peers?: Peers;
  /** Whether a person holds it open. */
  readonly isolated?: () => { readonly reason: string; readonly until?: number } | undefined;
  /** Told of every change of what holds for this worker; must not throw. */
  readonly onChange?: (view: CircuitView) => void;
}

/** While a probe is out, or about to be sent, it may be known any moment how it went. */
const PROBE_STEP_MS = 100;
/** Whoever holds the probe and has not sent it by then, since another gate was closed, gives it up. */
const UNSENT_MS = 1000;
/** How long those wait who may not send it. */
const OTHERS_WAIT_MS = 1000;
const VOTE_EVERY_MS = 1000;
const COMPLAIN_EVERY_MS = 100;
/** Whoever has no calls of its own leaves the next step of a recovery to those who have, mostly. */
const CLIMB_FOR_OTHERS = 0.1;
const ISOLATED_RETRY_MS = 30_000;

/**
 * Stops asking a provider that fails, and finds out with one call at a time when it is back. Counts for itself, and opens for
 * itself; with peers, opens for all when enough of them complain, shares one probe with them, and recovers in steps. Refused
 * credentials open it at once: the next call would be refused too. Answers that blame the request or the pace count as signs of life.
 */
export function createCircuitBreaker(parts: Parts): CircuitBreaker {
  const { now: localNow, peers } = parts;
  const options = { ...defaultCircuit, ...parts.options };
  const self = peers?.self ?? "self";
  const calls = createWindow(options.windowMs, localNow);
  const overdue = createOverdue(options.slowMs, localNow, () => calls.countSlow());
  const random = parts.random ?? Math.random;
  const ramp = createRamp(localNow, random);
  /** What the fleet holds, and what this worker holds alone: the latter counts while the former is closed or unknown. */
  let shared = closedCircuit;
  let own = closedCircuit;
  let wasIsolated = false;
  let probeSent = false;
  let claimedAt = 0;
  let votedAt = -Infinity;
  let isClaiming = false;
  let isClimbing = false;
  let refusedAccount: string | undefined;
  /** Grows whenever what was counted is forgotten: answers to calls made before that say nothing. */
  let era = 0;
  let aliveInStep = 0;

  const hasPeers = (): boolean => peers?.isReachable() === true;
  const isShared = (): boolean => hasPeers() && (shared.state.at !== "closed" || own.state.at === "closed");
  const governing = (): Circuit => (isShared() ? shared : own);
  const clock = (): number => peers?.now() ?? localNow();

  const tell = (): void => parts.onChange?.(view());
  const view = (): CircuitView => {
    const isolation = parts.isolated?.();
    const { state, reason, since } = governing();
    const scope = isShared() ? "fleet" : "worker";
    if (isolation !== undefined)
      return { state: { at: "isolated", ...isolation }, scope: "fleet", reason: isolation.reason, since };
    return { state, scope, reason, since };
  };

  /** What was counted under another circuit says nothing about this one. */
  const entered = (before: Circuit): void => {
    const after = governing();
    if (after === before) return;
    if (before.state.at === "closed") ramp.remember();
    if (after.state.at === "half_open") ramp.start();
    if (!isNextStep(before, after)) {
      calls.reset();
      overdue.forget();
      era += 1;
    }
    aliveInStep = 0;
    refusedAccount = undefined;
    probeSent = false;
    claimedAt = localNow();
    votedAt = -Infinity;
    tell();
  };
  const setOwn = (next: Circuit): void => {
    const before = governing();
    own = next;
    entered(before);
  };
  const move = (change: Change, probe?: "take" | "release"): void => {
    if (change === undefined) return;
    if (isShared()) void peers?.propose(shared, change, probe);
    else setOwn(change);
  };

  /** Makes this worker the one who sends the probe, for a call that it has in hand. */
  const claimProbe = async (
    others: Peers,
    circuit: Circuit,
    change: Circuit,
  ): Promise<Admission | Refusal> => {
    isClaiming = true;
    if (isShared()) await others.propose(circuit, change, "take");
    // Nobody else finds anything wrong with the provider, but its probes are counted with everybody's.
    else if ((await others.mayProbe()) && own === circuit) setOwn(change);
    isClaiming = false;
    return probeOr("circuit_half_open", PROBE_STEP_MS);
  };
  /** Leave to send the probe, if it is this worker's and not out yet. */
  const probeOr = (code: string, retryAfterMs: number): Admission | Refusal => {
    const circuit = governing();
    if (!isOwnProbe(circuit, self) || probeSent) return { ok: false, code, retryAfterMs };
    probeSent = true;
    return { ok: true, settle: (outcome) => settleProbe(circuit, outcome) };
  };

  const judge = (): void => {
    const circuit = governing();
    const complaint = refusedAccount ?? complaintOf(calls.sums(), minCallsOf(circuit, options), options);
    // Whether a recovery of all goes wrong is for all to say.
    const opens = complaint !== undefined && (circuit.state.at === "closed" || !isShared());
    // Before the circuit opens: what was counted is forgotten then.
    vote(opens ? 0 : complaint === undefined ? VOTE_EVERY_MS : COMPLAIN_EVERY_MS, complaint);
    if (opens) setOwn(trip(own, complaint, clock(), options) ?? own);
  };

  /** Tells the others what this worker sees. Where it alone is too few to tell, what all see together may be enough. */
  const vote = (everyMs: number, complaint: string | undefined): void => {
    if (peers === undefined || !hasPeers() || localNow() < votedAt + everyMs) return;
    const mine = voteOf(complaint);
    if (mine === undefined) return;
    votedAt = localNow();
    // Whoever is content need not hear of the others.
    if (mine.complaint === undefined) return peers.vote(mine);
    void complain(peers, mine);
  };
  const complain = async (others: Peers, mine: Vote): Promise<void> => {
    const about = shared;
    const votes = await others.votes(mine);
    if (votes === undefined || shared !== about || !hasPeers()) return;
    const reason = quorumOf(votes, shared, clock(), options);
    const opened = reason === undefined ? undefined : trip(shared, reason, clock(), options);
    if (opened !== undefined) await others.propose(shared, opened);
  };
  /** Undefined when there is nothing to say. */
  const voteOf = (complaint: string | undefined): Vote | undefined => {
    const sums = calls.sums();
    const total = Math.max(sums.total, sums.slow);
    const oldest = overdue.oldest();
    const isWaiting = aliveInStep === 0 && oldest !== undefined && localNow() - oldest > options.rampMs;
    if (total === 0 && !isWaiting) return undefined;
    const heard = complaint ?? complaintOf(sums, 1, options);
    return {
      version: shared.version,
      at: clock(),
      total,
      alive: aliveInStep,
      ...(heard === undefined ? {} : { complaint: heard }),
      ...(isWaiting ? { isWaiting } : {}),
      ...(refusedAccount === undefined ? {} : { isSure: true }),
    };
  };

  /** The next step of a recovery, unless what was asked in this one is not answered. */
  const climbOn = (circuit: Circuit): void => {
    const change = climb(circuit, clock(), options);
    if (change === undefined) return;
    const mine = voteOf(undefined);
    if (!isShared() || peers === undefined) {
      if (mine?.isWaiting !== true) move(change);
      return;
    }
    if (isClimbing || (mine === undefined && random() >= CLIMB_FOR_OTHERS)) return;
    void climbTogether(peers, mine, change);
  };
  const climbTogether = async (others: Peers, mine: Vote | undefined, change: Circuit): Promise<void> => {
    const about = shared;
    isClimbing = true;
    const votes = await others.votes(mine);
    isClimbing = false;
    if (votes !== undefined && shared === about && mayClimb(votes, about, clock(), options)) move(change);
  };

  const settleProbe = (circuit: Circuit, outcome: Outcome | undefined): void => {
    if (circuit !== governing()) return;
    const signal = signalOf(outcome);
    if (outcome === undefined || signal === undefined) {
      probeSent = false;
      return;
    }
    const isSlow = outcome.durationMs >= options.slowMs;
    const reason = isSlow && signal === "alive" ? "slow" : "code" in outcome ? outcome.code : "slow";
    move(probed(circuit, self, { isAlive: signal === "alive" && !isSlow, reason, now: clock() }, options));
  };

  const settle = (call: Timed, begun: number, outcome: Outcome | undefined): void => {
    overdue.end(call);
    const signal = signalOf(outcome);
    if (begun !== era || signal === undefined) return;
    calls.count(signal !== "alive", outcome?.durationMs);
    if (signal === "alive") aliveInStep += 1;
    if (signal === "account_failure" && outcome !== undefined && "code" in outcome)
      refusedAccount = outcome.code;
    judge();
  };

  const admission = (): Admission => {
    const call = overdue.begin();
    const begun = era;
    return { ok: true, settle: (outcome) => settle(call, begun, outcome) };
  };

  const tick = (): void => {
    const isIsolated = parts.isolated?.() !== undefined;
    if (isIsolated !== wasIsolated) {
      wasIsolated = isIsolated;
      tell();
    }
    // What nobody may call needs no probe.
    if (isIsolated) return;
    const circuit = governing();
    const { state } = circuit;
    if (overdue.look() && (state.at === "closed" || isRecovering(circuit))) judge();
    // Without peers there is nobody else to send it.
    if (peers && isOwnProbe(circuit, self) && !probeSent && localNow() > claimedAt + UNSENT_MS)
      return move(giveUp(circuit, self, clock(), options), "release");
    if (isRecovering(circuit)) {
      judge();
      if (circuit === governing()) climbOn(circuit);
      return;
    }
    if (state.at === "closed") vote(VOTE_EVERY_MS, undefined);
  };
  /** Without peers nobody ticks: whoever asks finds done what is due. */
  const catchUp = (): void => {
    if (peers === undefined) tick();
  };

  const refusal = (code: string, retryAfterMs: number): Refusal => ({ ok: false, code, retryAfterMs });

  return {
    state: () => view().state,
    view,
    health() {
      const { total, failed, meanMs } = calls.sums();
      return {
        isClosed: takesAll(view().state),
        failureRate: total === 0 ? 0 : failed / total,
        meanMs,
      };
    },
    learn(circuit) {
      if (circuit.version < shared.version || isSame(circuit, shared)) return;
      const before = governing();
      shared = circuit;
      // Everybody's word is stronger than one's own.
      own = { ...closedCircuit, version: own.version };
      entered(before);
    },
    detach() {
      // What held for all goes on holding here, under this worker's own care.
      if (shared.state.at !== "closed") own = shared;
    },
    tick,
    capacity() {
      catchUp();
      if (peers?.isKnown() === false) return { room: 0, opensAt: localNow() + PROBE_STEP_MS };
      const isolation = parts.isolated?.();
      if (isolation !== undefined)
        return { room: 0, opensAt: localNow() + untilEnd(isolation.until, clock()) };
      const circuit = governing();
      const { state } = circuit;
      if (state.at === "closed") return unlimited;
      // Once it is time a job that waits is let in: whoever has one claims the probe for it.
      if (isProbeDue(circuit, clock()))
        return { room: isClaiming ? 0 : 1, opensAt: localNow() + PROBE_STEP_MS };
      if (state.at === "open") return { room: 0, opensAt: localNow() + untilProbe(state.until, clock()) };
      if (state.share > 0) return ramp.capacity(state.share);
      return {
        room: isOwnProbe(circuit, self) && !probeSent ? 1 : 0,
        opensAt: localNow() + PROBE_STEP_MS,
      };
    },
    admit() {
      ramp.ask();
      catchUp();
      if (peers?.isKnown() === false) return refusal("fleet_unknown", PROBE_STEP_MS);
      const isolation = parts.isolated?.();
      if (isolation !== undefined) return refusal("isolated", untilEnd(isolation.until, clock()));
      const circuit = governing();
      const { state } = circuit;
      if (state.at === "closed") return admission();
      const mine = isClaiming ? undefined : claim(circuit, self, clock(), options);
      if (mine !== undefined && peers !== undefined && hasPeers()) return claimProbe(peers, circuit, mine);
      if (mine !== undefined) setOwn(mine);
      if (state.at === "open" && mine === undefined)
        return refusal("circuit_open", untilProbe(state.until, clock()));
      if (state.at === "half_open" && state.share > 0)
        return ramp.take(state.share) ? admission() : refusal("circuit_half_open", options.rampMs);
      return probeOr("circuit_half_open", Math.min(options.openMs, OTHERS_WAIT_MS));
    },
  };
}

function signalOf(outcome: Outcome | undefined): ReturnType<typeof breakerSignal> {
  if (outcome === undefined) return undefined;
  return outcome.kind === "delivered" ? "alive" : breakerSignal(outcome);
}

/** A recovery that goes on: what was counted in its step before still speaks of it. */
function isNextStep(before: Circuit, after: Circuit): boolean {
  if (!isRecovering(before)) return false;
  const { state } = after;
  return state.at === "closed" || (isRecovering(after) && shareOf(after) > shareOf(before));
}

function shareOf({ state }: Circuit): number {
  return state.at === "half_open" ? state.share : state.at === "closed" ? Infinity : 0;
}

function isSame(one: Circuit, other: Circuit): boolean {
  return one.version === other.version && JSON.stringify(one) === JSON.stringify(other);
}

/** As much as usual, at least. */
function takesAll(state: CircuitState): boolean {
  return state.at === "closed" || (state.at === "half_open" && state.share >= 1);
}

/** Past its time somebody is about to claim the probe. */
function untilProbe(until: number, now: number): number {
  return until > now ? until - now : PROBE_STEP_MS;
}

function untilEnd(until: number | undefined, now: number): number {
  return until === undefined ? ISOLATED_RETRY_MS : Math.min(Math.max(until - now, 1), ISOLATED_RETRY_MS);
}
