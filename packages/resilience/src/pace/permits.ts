import type { Capacity } from "@understudy/core";

import { createHand, type Taken } from "./hand.ts";
import { createLedger, type Ledger } from "./ledger.ts";
import { burstOf, type Measure } from "./limit.ts";
import type { Lot, PaceGrant } from "./store.ts";
import { within } from "./within.ts";

/** Leave for calls, fetched from the store ahead of use. */
export interface Permits {
  take(cost: number): Answer | Promise<Answer>;
  capacity(): Capacity;
  /** Gives up what is in hand. */
  drop(): void;
  /** Asks the store in the background, for nothing or to tell it something. */
  look(): void;
  /** What is earned while the store cannot be asked. */
  earn(amount: number): void;
}

export type Answer =
  | { readonly ok: true; giveBack(): void }
  | { readonly ok: false; readonly retryAfterMs: number };

export interface LeaseAsk {
  readonly want: number;
  readonly need: number;
  readonly back: readonly Lot[];
  readonly spent: number;
}

export interface Parts {
  readonly now: () => number;
  readonly measures: readonly Measure[];
  readonly shared?: {
    isReachable(): boolean;
    lease(ask: LeaseAsk): Promise<PaceGrant>;
  };
  /** What this process keeps to while it cannot ask. */
  readonly alone: (users: number, left: number) => readonly Measure[];
  /** Room may open sooner than the store can foresee: asks again after this at the latest. */
  readonly askAgainMs: number;
  /** How long a call may wait for room that is about to open; default 50. */
  readonly waitForRoomMs?: number;
}

/** How long a lease is to last, by what was used lately. */
const AHEAD_MS = 50;
/** Permits that are older are given back. */
const LAPSE_MS = 150;
/** A call waits so long for a permit before it is told to come back. */
const PATIENCE_MS = 50;
/** A store that does not answer by then is away, and is tried again after a while. */
const ANSWER_MS = 100;
const TRY_AGAIN_MS = 1000;
/** Between two asks when there is not enough for all. */
const SPACING_MS = 35;
const MAX_BATCH = 1000;
/** So long without an answer, and whoever waits goes by this process's own books. */
const SLOW_MS = 25;
const MAX_QUEUE_MS = 1000;
/** How soon somebody may look again while an answer is on its way. */
const STEP_MS = 5;

interface Waiter {
  readonly cost: number;
  readonly settle: (answer: Answer) => void;
  readonly timer: NodeJS.Timeout;
}

export function createPermits(parts: Parts): Permits {
  return parts.shared === undefined
    ? ownPermits(createLedger(parts.measures, parts.now), parts.now)
    : new SharedPermits({ ...parts, shared: parts.shared });
}

function ownPermits(ledger: Ledger, now: () => number): Permits {
  return {
    take: (cost) => takeFrom(ledger, cost, now()),
    capacity: () => ({ room: ledger.room(), opensAt: now() + ledger.opensInMs(1) }),
    earn: (amount) => ledger.earn(amount),
    drop: () => undefined,
    look: () => undefined,
  };
}

function takeFrom(ledger: Ledger, cost: number, at: number, onTaken?: (permits: number) => void): Answer {
  if (ledger.take(cost, cost) === 0) return { ok: false, retryAfterMs: Math.ceil(ledger.opensInMs(cost)) };
  onTaken?.(cost);
  return {
    ok: true,
    giveBack() {
      ledger.giveBack(cost, at);
      onTaken?.(-cost);
    },
  };
}

class SharedPermits implements Permits {
  readonly #parts: Parts & { readonly shared: NonNullable<Parts["shared"]> };
  readonly #hand: ReturnType<typeof createHand>;
  readonly #waitForRoomMs: number;
  /** Of the fastest that the measures allow; 0 when they are only counted. */
  readonly #perMs: number;
  readonly #burst: number;
  #waiters: Waiter[] = [];
  #known: { readonly grant: PaceGrant; readonly at: number } | undefined;
  #alone: Ledger | undefined;
  #spent = 0;
  #isAsking = false;
  /** Of the process's own monotonic clock. */
  #askedAt = 0;
  #lookAgain = false;
  #failedAt = -Infinity;
  /** Not before this is there any use in asking for more. */
  #askAt = -Infinity;
  #timer: NodeJS.Timeout | undefined;
  #sweeper: NodeJS.Timeout | undefined;
  #batch = 1;
  #used = 0;
  #usedSince: number;

  constructor(parts: Parts & { readonly shared: NonNullable<Parts["shared"]> }) {
    this.#parts = parts;
    this.#hand = createHand(parts.now);
    this.#waitForRoomMs = parts.waitForRoomMs ?? PATIENCE_MS;
    this.#perMs = Math.min(
      Infinity,
      ...parts.measures.map((one) => (one.kind === "even" ? 1 / one.intervalMs : 0)),
    );
    this.#burst = Math.min(Infinity, ...parts.measures.map(burstOf));
    this.#usedSince = parts.now();
  }

  take(cost: number): Answer | Promise<Answer> {
    const now = this.#parts.now();
    const answer = this.#waiters.length === 0 ? this.#fromHand(cost) : undefined;
    if (answer !== undefined) {
      if (this.#hand.count() < this.#batch / 2) this.#ask();
      return answer;
    }
    if (this.#isAlone()) return this.#byOneself(cost);
    if (!this.#isAsking && this.#askAt - now > this.#waitForRoomMs) return this.#refusal();
    const { promise, resolve } = Promise.withResolvers<Answer>();
    const waiter: Waiter = {
      cost,
      settle: resolve,
      timer: setTimeout(() => this.#losePatience(waiter), PATIENCE_MS),
    };
    this.#waiters.push(waiter);
    this.#ask();
    return promise;
  }

  capacity(): Capacity {
    const now = this.#parts.now();
    if (this.#isAlone()) {
      const ledger = this.#ownLedger();
      this.#tryAgain();
      return {
        room: ledger.room() + this.#hand.count(),
        opensAt: now + Math.max(STEP_MS, ledger.opensInMs(1)),
      };
    }
    const waiting = this.#waitingCost();
    const room = this.#hand.count() + this.#foreseen() - waiting;
    // Whoever looks has work: with others about, only what is in hand is sure to be had.
    if (room <= 0) this.#ask();
    return { room: Math.max(0, room), opensAt: Math.max(now + STEP_MS, this.#askAt) };
  }

  drop(): void {
    this.#hand.drop();
  }

  look(): void {
    if (this.#isAsking) this.#lookAgain = true;
    else if (this.#parts.shared.isReachable() && !this.#hasJustFailed()) void this.#lease(0, 0);
  }

  earn(amount: number): void {
    this.#alone?.earn(amount);
  }

  #isAlone(): boolean {
    const isAlone = this.#alone !== undefined || !this.#parts.shared.isReachable();
    if (isAlone) {
      this.#ownLedger();
      this.#tryAgain();
    }
    return isAlone;
  }

  #hasJustFailed(): boolean {
    return this.#parts.now() < this.#failedAt + TRY_AGAIN_MS;
  }

  /** Goes on alone until an answer comes: being told that the store is there again is not yet an answer. */
  #tryAgain(): void {
    if (!this.#isAsking && this.#parts.shared.isReachable() && !this.#hasJustFailed()) void this.#lease(0, 0);
  }

  #ownLedger(): Ledger {
    const { users, left } = this.#known?.grant ?? { users: 1, left: Infinity };
    this.#alone ??= createLedger(this.#parts.alone(Math.max(1, users), left), this.#parts.now);
    return this.#alone;
  }

  #byOneself(cost: number): Answer {
    return takeFrom(this.#ownLedger(), cost, this.#parts.now(), (permits) => {
      this.#spent += permits;
    });
  }

  #fromHand(cost: number): Answer | undefined {
    const taken = this.#hand.take(cost);
    if (taken === undefined) return undefined;
    this.#used += cost;
    return { ok: true, giveBack: () => this.#giveBack(taken, cost) };
  }

  #giveBack(taken: Taken, cost: number): void {
    this.#used -= cost;
    this.#hand.giveBack(taken);
    this.#serve();
  }

  /** What is there beyond the hand, as long as nobody else takes it. */
  #foreseen(): number {
    if (this.#known === undefined) return this.#isAsking ? 0 : 1;
    const { grant, at } = this.#known;
    if (grant.users > 1) return 0;
    const sinceMs = this.#parts.now() - at;
    const grown =
      grant.room >= 1 ? grant.room + sinceMs * this.#perMs : 1 + (sinceMs - grant.opensInMs) * this.#perMs;
    if (grant.room < 1 && sinceMs < grant.opensInMs) return 0;
    return Math.max(0, Math.floor(Math.min(grown, this.#burst, grant.left) + 1e-6));
  }

  #opensAt(): number {
    if (this.#known === undefined) return this.#askAt;
    return Math.max(this.#askAt, this.#known.at + this.#known.grant.opensInMs);
  }

  /** Asks for more now, or when there is any use in it. */
  #ask(): void {
    if (this.#isAsking || this.#isAlone()) return;
    const waitMs = this.#askAt - this.#parts.now();
    if (waitMs <= 0) {
      const waiting = this.#waitingCost();
      const need = this.#waiters[0]?.cost ?? 1;
      void this.#lease(Math.min(Math.max(this.#batch, waiting, need), Math.max(MAX_BATCH, need)), need);
    } else if (this.#waiters.length > 0 && this.#timer === undefined) {
      this.#timer = setTimeout(() => {
        this.#timer = undefined;
        this.#ask();
      }, waitMs);
    }
  }

  async #lease(want: number, need: number): Promise<void> {
    this.#isAsking = true;
    this.#askedAt = performance.now();
    this.#lookAgain = false;
    const ask = { want, need, back: this.#hand.unused(), spent: this.#spent };
    this.#spent = 0;
    try {
      const grant = await within(this.#parts.shared.lease(ask), ANSWER_MS, (late) => this.#keepLate(late));
      this.#learn(grant, want);
    } catch {
      // What was to be given back may have been: it stays lost. What was spent is counted once more at worst.
      this.#spent += ask.spent;
      this.#failedAt = this.#parts.now();
      this.#ownLedger();
    }
    this.#isAsking = false;
    this.#serve();
    if (this.#alone !== undefined) this.#serveAlone();
    else {
      if (this.#askAt - this.#parts.now() > this.#waitForRoomMs) this.#refuseAll();
      if (this.#lookAgain) this.look();
      else if (this.#waiters.length > 0) this.#ask();
    }
  }

  #learn(grant: PaceGrant, want: number): void {
    const now = this.#parts.now();
    const isBack = this.#alone !== undefined;
    this.#alone = undefined;
    this.#known = { grant, at: now };
    if (grant.granted > 0) this.#hand.put({ permits: grant.granted, at: grant.at }, now + LAPSE_MS);
    if (want > 0) {
      const isShort = grant.granted < want;
      const waitMs = Math.max(grant.opensInMs, SPACING_MS);
      this.#askAt = isShort ? now + Math.min(waitMs, this.#parts.askAgainMs) : now;
      this.#size(now, isShort);
    } else if (isBack) this.#askAt = now;
    this.#watch();
  }

  /** As many as were used in the time that a lease is to last for; twice as many as before when they were gone at once. */
  #size(now: number, isShort: boolean): void {
    const elapsedMs = now - this.#usedSince;
    if (elapsedMs < AHEAD_MS / 2) {
      if (!isShort && this.#used >= this.#batch) this.#batch = Math.min(this.#batch * 2, MAX_BATCH);
      return;
    }
    this.#batch = Math.min(Math.max(1, Math.ceil((this.#used * AHEAD_MS) / elapsedMs)), MAX_BATCH);
    this.#used = 0;
    this.#usedSince = now;
  }

  #keepLate({ granted, at }: PaceGrant): void {
    this.#hand.put({ permits: granted, at }, this.#parts.now() + LAPSE_MS);
    this.#watch();
  }

  /** Sees to it that what lapses while nobody calls is given back. */
  #watch(): void {
    if (this.#sweeper !== undefined || this.#hand.count() === 0) return;
    this.#sweeper = setTimeout(() => {
      this.#sweeper = undefined;
      if (this.#hand.count() > 0) this.#watch();
      else this.look();
    }, LAPSE_MS + STEP_MS).unref();
  }

  #serve(): void {
    for (let first = this.#waiters[0]; first !== undefined; first = this.#waiters[0]) {
      const answer = this.#fromHand(first.cost);
      if (answer === undefined) return;
      this.#dismiss(first, answer);
    }
  }

  /** There is nothing to wait for. */
  #refuseAll(): void {
    // Each leaves a new list behind.
    for (const waiter of this.#waiters) this.#dismiss(waiter, this.#refusal());
  }

  #serveAlone(): void {
    for (const waiter of this.#waiters) this.#dismiss(waiter, this.#byOneself(waiter.cost));
  }

  #losePatience(waiter: Waiter): void {
    // A store that is slow to answer holds nobody up.
    const isSlow = this.#isAsking && performance.now() - this.#askedAt >= SLOW_MS;
    this.#dismiss(waiter, isSlow ? this.#byOneself(waiter.cost) : this.#refusal());
  }

  /** Not before there is room, and not before those who wait already have had their turn. */
  #refusal(): Answer {
    const users = this.#known?.grant.users ?? 1;
    const queueMs = Math.min((this.#waitingCost() * users) / this.#perMs || 0, MAX_QUEUE_MS);
    return { ok: false, retryAfterMs: Math.max(1, Math.ceil(this.#opensAt() - this.#parts.now() + queueMs)) };
  }

  #waitingCost(): number {
    return this.#waiters.reduce((sum, { cost }) => sum + cost, 0);
  }

  #dismiss(waiter: Waiter, answer: Answer): void {
    clearTimeout(waiter.timer);
    this.#waiters = this.#waiters.filter((one) => one !== waiter);
    waiter.settle(answer);
  }
}
