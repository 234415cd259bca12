import type { Pace } from "@understudy/core";

/** What a provider itself says of an account's pace. */
export interface Said {
  /** Nobody calls for so long. */
  close(forMs: number): void;
  closedForMs(): number;
  /** @param outstanding this process's calls that the provider may not have counted yet */
  learn(pace: Pace, users: number, outstanding: number): void;
  /** Milliseconds until a call of that cost may be made; 0: now. */
  waitMs(cost: number): number;
  take(cost: number): void;
  giveBack(cost: number): void;
  /** What this process may take of what is left; Infinity when nothing is known. */
  room(): number;
  opensAt(): number;
  /** Whether what it said of the rest still holds. */
  isKnown(): boolean;
}

/** Two answers that differ by less speak of the same end. */
const SAME_MS = 1000;

export function createSaid(now: () => number): Said {
  let closedUntil = 0;
  let left = Infinity;
  let remaining = 0;
  let until = 0;
  const holds = (): boolean => now() < until;
  const room = (): number => (holds() ? Math.max(0, left) : Infinity);
  const opensAt = (): number => Math.max(closedUntil, holds() && left < 1 ? until : 0);
  return {
    close(forMs) {
      closedUntil = Math.max(closedUntil, now() + forMs);
    },
    closedForMs: () => Math.max(0, closedUntil - now()),
    learn(pace, users, outstanding) {
      const end = now() + pace.resetsInMs;
      // Answers overtake each other: an older window's says nothing any more.
      if (holds() && end < until - SAME_MS) return;
      remaining = pace.remaining;
      until = end;
      left = Math.ceil((pace.remaining - outstanding) / Math.max(1, users));
    },
    waitMs(cost) {
      const at = Math.max(closedUntil, room() < Math.min(cost, Math.max(1, remaining)) ? until : 0);
      return Math.max(0, at - now());
    },
    take(cost) {
      left -= cost;
    },
    giveBack(cost) {
      left += cost;
    },
    room: () => (closedUntil > now() ? 0 : room()),
    opensAt,
    isKnown: holds,
  };
}
