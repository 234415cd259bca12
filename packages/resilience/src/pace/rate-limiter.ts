import {
  type Admission,
  type Ask,
  type Capacity,
  type Gate,
  narrowest,
  type Outcome,
  type Pace,
  type Refusal,
  usualAsk,
} from "@understudy/core";

import { type Limit, measureOf, type Measure, partOf } from "./limit.ts";
import { type Answer, createPermits, type LeaseAsk, type Permits } from "./permits.ts";
import { createSaid, type Said } from "./said.ts";
import type { PaceGrant, PaceStore } from "./store.ts";

/** What the processes of a fleet share of one provider account. */
export interface SharedAccount {
  readonly store: PaceStore;
  /** Names the account among those of the fleet; no secret. */
  readonly account: string;
  isReachable(): boolean;
}

interface Parts {
  readonly now: () => number;
  /** All of them hold. None: only what the provider itself says counts. */
  readonly limits: readonly Limit[];
  readonly shared?: SharedAccount;
}

/** A provider that says "later" without saying when. */
const LATER_MS = 1000;
/** Where there is no limit of ours, how often this process looks at what the others were told. */
const LOOK_MS = 1000;
/** Others may give back what they did not need. */
const ASK_AGAIN_MS = 1000;

/**
 * Keeps a provider account to its pace, over all processes that use it where they share a store: permits are leased ahead of
 * use, and a provider that says "later", or how much is left, is heeded by all. Without the store each process keeps to its part.
 */
export function createRateLimiter(parts: Parts): Gate {
  return new RateLimiter(parts);
}

class RateLimiter implements Gate {
  readonly #now: () => number;
  readonly #measures: readonly Measure[];
  readonly #shared: SharedAccount | undefined;
  readonly #said: Said;
  readonly #permits: Permits;
  /** What costs more than a whole counted window would never go. */
  readonly #mostAtOnce: number;
  #users = 1;
  #outstanding = 0;
  #usualCost = 1;
  #lookedAt = -Infinity;
  #untold: { readonly closedUntil?: number; readonly pace?: Pace } = {};

  constructor({ now, limits, shared }: Parts) {
    this.#now = now;
    this.#shared = shared;
    this.#measures = limits.map(measureOf);
    this.#said = createSaid(now);
    this.#mostAtOnce = Math.min(
      Infinity,
      ...this.#measures.map((one) => (one.kind === "count" ? one.floor : Infinity)),
    );
    const longestMs = Math.max(0, ...limits.map(({ perMs }) => perMs));
    this.#permits = createPermits({
      now,
      measures: this.#measures,
      askAgainMs: ASK_AGAIN_MS,
      alone: (users, left) => [
        ...this.#measures.map((measure) => partOf(measure, users)),
        ...(left === Infinity
          ? []
          : [{ kind: "count", floor: left / users, share: 0, perMs: longestMs } as const]),
      ],
      ...(shared === undefined
        ? {}
        : { shared: { isReachable: () => shared.isReachable(), lease: (ask) => this.#lease(shared, ask) } }),
    });
  }

  readonly capacity = (): Capacity => {
    const said = { room: this.#inCalls(this.#said.room()), opensAt: this.#said.opensAt() };
    if (said.room === 0 || this.#measures.length === 0) return said;
    const { room, opensAt } = this.#permits.capacity();
    return narrowest([{ room: this.#inCalls(room), opensAt }, said]);
  };

  admit({ cost: asked }: Ask = usualAsk): Admission | Refusal | Promise<Admission | Refusal> {
    const cost = Math.min(asked, this.#mostAtOnce);
    this.#usualCost += (cost - this.#usualCost) / 10;
    const waitMs = this.#said.waitMs(cost);
    if (waitMs > 0) return refusal(waitMs);
    if (this.#measures.length === 0) {
      this.#lookNowAndThen();
      return this.#admission(cost, undefined);
    }
    const answer = this.#permits.take(cost);
    return answer instanceof Promise
      ? answer.then((one) => this.#answered(cost, one))
      : this.#answered(cost, answer);
  }

  #answered(cost: number, answer: Answer): Admission | Refusal {
    if (!answer.ok) return refusal(answer.retryAfterMs);
    // It may have been told off while this call waited.
    const waitMs = this.#said.waitMs(cost);
    if (waitMs === 0) return this.#admission(cost, answer);
    answer.giveBack();
    return refusal(waitMs);
  }

  #admission(cost: number, permit: (Answer & { readonly ok: true }) | undefined): Admission {
    this.#said.take(cost);
    this.#outstanding += cost;
    return {
      ok: true,
      settle: (outcome) => {
        this.#outstanding -= cost;
        if (outcome !== undefined) return this.#heed(outcome);
        this.#said.giveBack(cost);
        permit?.giveBack();
      },
    };
  }

  #heed({ pace, ...outcome }: Outcome): void {
    const isTold = outcome.kind === "throttled";
    if (isTold) this.#close(outcome.retryAfterMs ?? LATER_MS);
    if (pace === undefined) return;
    if (pace.remaining <= 0) return this.#close(pace.resetsInMs);
    this.#said.learn(pace, this.#users, this.#outstanding);
    this.#untold = { ...this.#untold, pace };
  }

  /** For itself at once; the others hear of it from the store. */
  #close(forMs: number): void {
    if (forMs <= this.#said.closedForMs()) return;
    this.#said.close(forMs);
    this.#untold = { ...this.#untold, closedUntil: this.#now() + forMs };
    this.#permits.drop();
    this.#permits.look();
  }

  #lookNowAndThen(): void {
    if (this.#shared === undefined || this.#now() - this.#lookedAt < LOOK_MS) return;
    this.#lookedAt = this.#now();
    this.#permits.look();
  }

  async #lease({ store, account }: SharedAccount, ask: LeaseAsk): Promise<PaceGrant> {
    const { closedUntil = 0, pace } = this.#untold;
    const told = this.#untold;
    const grant = await store.lease(
      { books: "pace", name: account },
      {
        ...ask,
        measures: this.#measures,
        earned: 0,
        closeForMs: Math.max(0, Math.ceil(closedUntil - this.#now())),
        ...(pace === undefined ? {} : { pace }),
      },
    );
    // What others have told is not told again: each telling would make it last a little longer.
    if (this.#untold === told) this.#untold = {};
    this.#learn(grant, pace === undefined);
    return grant;
  }

  #learn({ users, closedForMs, pace }: PaceGrant, isNews: boolean): void {
    this.#users = users;
    if (closedForMs > this.#said.closedForMs()) {
      this.#said.close(closedForMs);
      this.#permits.drop();
    }
    if (pace !== undefined && isNews && !this.#said.isKnown())
      this.#said.learn(pace, users, this.#outstanding);
  }

  /** A call that costs more takes more of the room; while there is any, one may go. */
  #inCalls(room: number): number {
    if (room === Infinity || room <= 0) return Math.max(0, room);
    return Math.max(1, Math.floor(room / this.#usualCost));
  }
}

function refusal(retryAfterMs: number): Refusal {
  return { ok: false, code: "rate_limited", retryAfterMs: Math.ceil(retryAfterMs) };
}
