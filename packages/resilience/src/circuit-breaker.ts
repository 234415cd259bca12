import {
  type Admission,
  breakerSignal,
  type Gate,
  type Outcome,
  type Refusal,
  unlimited,
} from "@understudy/core";

export type CircuitState =
  | { readonly at: "closed" }
  | { readonly at: "open"; readonly until: number }
  | { readonly at: "half_open" };

export interface CircuitOptions {
  /** The span over which calls are judged. */
  readonly windowMs: number;
  /** Fewer calls than this in the window prove nothing. */
  readonly minCalls: number;
  /** The share of failed calls that opens the circuit, in (0, 1]. */
  readonly failureRate: number;
  /** How long the first opening lasts; each opening without a success between doubles it. */
  readonly openMs: number;
  readonly maxOpenMs: number;
}

export const defaultCircuit: CircuitOptions = {
  windowMs: 10_000,
  minCalls: 5,
  failureRate: 0.5,
  openMs: 5_000,
  maxOpenMs: 60_000,
};

export interface CircuitBreaker extends Gate {
  state(): CircuitState;
}

interface Parts {
  readonly now: () => number;
  readonly options?: Partial<CircuitOptions>;
  /** Told of every change; must not throw. */
  readonly onChange?: (state: CircuitState) => void;
}

const BUCKETS = 10;

/** While the probe is out nobody else gets through; it may be back at any moment. */
const PROBE_STEP_MS = 100;

/**
 * Stops asking a provider that fails, and finds out with one call at a time when it is back. Refused credentials open it
 * at once: the next call would be refused too. Answers that blame the request or the pace count as signs of life.
 */
export function createCircuitBreaker({ now, options, onChange }: Parts): CircuitBreaker {
  const settings = { ...defaultCircuit, ...options };
  const calls = createWindow(settings.windowMs, now);
  let state: CircuitState = { at: "closed" };
  let probing = false;
  let openings = 0;

  const change = (next: CircuitState): void => {
    state = next;
    probing = false;
    onChange?.(next);
  };
  const open = (): void => {
    const openMs = Math.min(settings.openMs * 2 ** openings, settings.maxOpenMs);
    openings += 1;
    calls.reset();
    change({ at: "open", until: now() + openMs });
  };
  const close = (): void => {
    openings = 0;
    change({ at: "closed" });
  };

  const judge = (outcome: Outcome | undefined, wasProbe: boolean): void => {
    if (wasProbe) probing = false;
    const signal =
      outcome === undefined ? undefined : outcome.kind === "delivered" ? "alive" : breakerSignal(outcome);
    if (signal === undefined) return;
    if (wasProbe) return state.at === "half_open" ? (signal === "alive" ? close() : open()) : undefined;
    // Answers to calls made before the circuit opened say nothing about the provider since.
    if (state.at !== "closed") return;
    calls.count(signal !== "alive");
    const { total, failed } = calls.sums();
    const failing = total >= settings.minCalls && failed >= total * settings.failureRate;
    if (signal === "account_failure" || failing) open();
  };

  const admission = (wasProbe: boolean): Admission => ({
    ok: true,
    settle: (outcome) => judge(outcome, wasProbe),
  });
  const refusal = (code: string, retryAfterMs: number): Refusal => ({ ok: false, code, retryAfterMs });

  return {
    state: () => state,
    capacity() {
      if (state.at === "closed") return unlimited;
      if (state.at === "open") return { room: state.until > now() ? 0 : 1, opensAt: state.until };
      return { room: probing ? 0 : 1, opensAt: now() + PROBE_STEP_MS };
    },
    admit() {
      if (state.at === "closed") return admission(false);
      if (state.at === "open") {
        const waitMs = state.until - now();
        if (waitMs > 0) return refusal("circuit_open", waitMs);
        change({ at: "half_open" });
      }
      if (probing) return refusal("circuit_half_open", settings.openMs);
      probing = true;
      return admission(true);
    },
  };
}

interface Window {
  count(failed: boolean): void;
  sums(): { readonly total: number; readonly failed: number };
  reset(): void;
}

/** Counts over a sliding span, in fixed buckets, so that a call costs no allocation. */
function createWindow(windowMs: number, now: () => number): Window {
  const bucketMs = windowMs / BUCKETS;
  const total = new Float64Array(BUCKETS);
  const failed = new Float64Array(BUCKETS);
  let newest = 0;

  const advance = (): void => {
    const current = Math.floor(now() / bucketMs);
    for (let bucket = Math.max(newest + 1, current - BUCKETS + 1); bucket <= current; bucket += 1) {
      total[bucket % BUCKETS] = 0;
      failed[bucket % BUCKETS] = 0;
    }
    newest = Math.max(newest, current);
  };
  const sum = (counts: Float64Array): number => counts.reduce((a, b) => a + b, 0);

  return {
    count(isFailure) {
      advance();
      const bucket = newest % BUCKETS;
      total[bucket] = (total[bucket] ?? 0) + 1;
      if (isFailure) failed[bucket] = (failed[bucket] ?? 0) + 1;
    },
    sums() {
      advance();
      return { total: sum(total), failed: sum(failed) };
    },
    reset() {
      total.fill(0);
      failed.fill(0);
    },
  };
}
