import { type Admission, type Ask, type Gate, type Refusal, unlimited, usualAsk } from "@understudy/core";

import { partOf } from "./limit.ts";
import { type Answer, createPermits, type LeaseAsk } from "./permits.ts";
import type { PaceGrant, PaceStore } from "./store.ts";

/** How many calls to a provider may be retries. */
export interface RetryBudgetOptions {
  /** Retries as a share of first tries, over the window. */
  readonly share: number;
  readonly windowMs: number;
  /** So many may always be made, by the whole fleet: a quiet queue can retry at all. */
  readonly minPerSecond: number;
}

export const defaultRetryBudget: RetryBudgetOptions = { share: 0.2, windowMs: 10_000, minPerSecond: 1 };

interface Parts {
  readonly now: () => number;
  /** In [0, 1); default: by chance. */
  readonly random?: () => number;
  readonly options?: Partial<RetryBudgetOptions>;
  readonly shared?: {
    readonly store: PaceStore;
    readonly provider: string;
    isReachable(): boolean;
  };
}

/** First tries raise the budget at any moment. */
const ASK_AGAIN_MS = 250;
/** First tries are told to the store in one, so often at most. */
const TELL_MS = 250;

/**
 * Keeps retries to a share of first tries, so that an outage does not multiply traffic. Beyond that a retry is told to come
 * back, later the more of them there are. First tries always pass.
 */
export function createRetryBudget({ now, random = Math.random, options, shared }: Parts): Gate {
  const { share, windowMs, minPerSecond } = { ...defaultRetryBudget, ...options };
  const measures = [
    { kind: "count", floor: (minPerSecond * windowMs) / 1000, share, perMs: windowMs } as const,
  ];
  const spread = createSpread(now);
  let firsts = 0;
  let toldAt = -Infinity;

  const lease = async (
    { store, provider }: NonNullable<Parts["shared"]>,
    ask: LeaseAsk,
  ): Promise<PaceGrant> => {
    const earned = firsts;
    firsts = 0;
    toldAt = now();
    return await store.lease(
      { books: "budget", name: provider },
      { ...ask, measures, earned, closeForMs: 0 },
    );
  };
  const permits = createPermits({
    now,
    measures,
    askAgainMs: ASK_AGAIN_MS,
    waitForRoomMs: 0,
    alone: (users) => measures.map((measure) => partOf(measure, users)),
    ...(shared === undefined
      ? {}
      : { shared: { isReachable: () => shared.isReachable(), lease: (ask) => lease(shared, ask) } }),
  });

  const count = (calls: number): void => {
    firsts += calls;
    permits.earn(calls);
  };
  const first = (): Admission => {
    count(1);
    if (shared !== undefined && now() - toldAt >= TELL_MS) {
      toldAt = now();
      permits.look();
    }
    return { ok: true, settle: (outcome) => outcome === undefined && count(-1) };
  };
  const answered = (answer: Answer): Admission | Refusal => {
    spread.count(answer.ok);
    return answer.ok
      ? { ok: true, settle: (outcome) => outcome === undefined && answer.giveBack() }
      : { ok: false, code: "retry_budget", retryAfterMs: Math.ceil(spread.ms() * (0.5 + random())) };
  };

  return {
    // Which jobs are retries is not known before they are fetched, and first tries always pass.
    capacity: () => unlimited,
    admit({ isRetry }: Ask = usualAsk) {
      if (!isRetry) return first();
      const answer = permits.take(1);
      return answer instanceof Promise ? answer.then(answered) : answered(answer);
    },
  };
}

const LEAST_SPREAD_MS = 1000;
const MOST_SPREAD_MS = 120_000;
/** A few who come in vain for one who may; more of them only cost starts. */
const IN_VAIN = 3;

/** Over how long those who were refused are spread out: the more of them come in vain, the longer. */
function createSpread(now: () => number): { count(isAdmitted: boolean): void; ms(): number } {
  let spreadMs = LEAST_SPREAD_MS;
  let admitted = 0;
  let refused = 0;
  let since = now();
  return {
    count(isAdmitted) {
      if (isAdmitted) admitted += 1;
      else refused += 1;
      if (now() - since < spreadMs) return;
      const wanted = spreadMs * Math.min(2, Math.max(0.5, refused / (IN_VAIN * Math.max(1, admitted))));
      spreadMs = Math.min(Math.max(wanted, LEAST_SPREAD_MS), MOST_SPREAD_MS);
      admitted = 0;
      refused = 0;
      since = now();
    },
    ms: () => spreadMs,
  };
}
