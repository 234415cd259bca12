import type { Capacity } from "@understudy/core";

import { createSlots } from "./slots.ts";

/** Decides whether another job is worth fetching, knowing those that were fetched and have not asked anybody yet. */
export interface FetchDoor {
  /** 0: fetch. Else milliseconds after which to look again. */
  waitMs(now: number): number;
  /** Whether one more job may run now. */
  hasSlot(): boolean;
  /** Whether to wait until some job ends, or takes so long that its slot is another's: then `onFree` is called. */
  waitsForSlot(onFree: () => void): boolean;
  /** Runs a fetch, which counts as a job until it has answered; `idOf` finds the job in the answer. */
  pass<Answer>(fetch: () => Promise<Answer>, idOf: (answer: Answer) => string | undefined): Promise<Answer>;
  /** The job runs. */
  started(jobId: string): void;
  /** What the job takes shows in the capacity from now on. */
  asks(jobId: string): void;
  /** The job is about to be settled, whether it ran or not. */
  ended(jobId: string): void;
  /** Nothing is to be fetched any more. */
  shut(): void;
}

interface Parts {
  readonly capacity: () => Capacity;
  /** How many jobs run at once, not counting those that take far longer than usual. */
  readonly concurrency: number;
  readonly now?: () => number;
}

/** How often a closed door is looked at. Costs no round trip. */
const MAX_STEP_MS = 250;
const MIN_STEP_MS = 5;
/** A fetched job that never began, for whatever reason, must not keep the door shut. */
const FORGET_MS = 5000;

export function createFetchDoor({ capacity, concurrency, now = Date.now }: Parts): FetchDoor {
  const pending = new Map<string, number>();
  const slots = createSlots(concurrency, now);
  let fetching = 0;
  // Asked at most once a millisecond while there is room: many jobs end in one turn.
  let known: Capacity | undefined;
  let knownAt = Number.NaN;
  let taken = 0;
  const forget = (): void => {
    for (const [id, since] of pending) if (now() - since > FORGET_MS) pending.delete(id);
  };
  const onTheWay = (): number => fetching + pending.size;
  const roomLeft = ({ room }: Capacity): number => room - taken - onTheWay();
  const capacityAt = (at: number): Capacity => {
    if (known !== undefined && at === knownAt && roomLeft(known) > 0) return known;
    [known, knownAt, taken] = [capacity(), at, 0];
    return known;
  };
  const hasSlot = (): boolean => slots.free() > fetching;

  return {
    waitMs(at) {
      const there = capacityAt(at);
      if (there.room === Infinity) return 0;
      forget();
      return roomLeft(there) > 0 ? 0 : Math.min(Math.max(there.opensAt - at, MIN_STEP_MS), MAX_STEP_MS);
    },
    hasSlot,
    waitsForSlot(onFree) {
      if (hasSlot()) return false;
      slots.watch(onFree);
      return true;
    },
    async pass(fetch, idOf) {
      fetching += 1;
      try {
        const answer = await fetch();
        const id = idOf(answer);
        if (id !== undefined) {
          pending.set(id, now());
          slots.take(id);
        }
        return answer;
      } finally {
        fetching -= 1;
      }
    },
    started: (jobId) => slots.take(jobId),
    asks(jobId) {
      if (pending.delete(jobId)) taken += 1;
    },
    ended(jobId) {
      pending.delete(jobId);
      slots.giveBack(jobId);
    },
    shut: () => slots.shut(),
  };
}
