import type { Capacity } from "@understudy/core";

import { createWindow } from "./window.ts";

/** Lets a share of the usual traffic through, evenly over time. */
export interface Ramp {
  /** Somebody wants to call, whether they may or not. */
  ask(): void;
  /** The traffic of the last minute is the usual one. */
  remember(): void;
  /** Begins a step. */
  start(): void;
  /** Takes leave for one call, if the share has any left. */
  take(share: number): boolean;
  capacity(share: number): Capacity;
}

/** Long enough that a backlog which is worked off is not taken for what is usual. */
const USUAL_MS = 60_000;
/** A worker that had nothing to do before may try so often. */
const LEAST_PER_MS = 1 / 1000;
/** What may be saved up, so that a pause does not end in a burst. */
const SAVED_MS = 50;

/** @param random in [0, 1) */
export function createRamp(now: () => number, random: () => number): Ramp {
  const asked = createWindow(USUAL_MS, now);
  const born = now();
  let usualPerMs = LEAST_PER_MS;
  let saved = 0;
  let at = now();

  const refill = (share: number): number => {
    const perMs = share * usualPerMs;
    saved = Math.min(saved + (now() - at) * perMs, Math.max(1, perMs * SAVED_MS));
    at = now();
    return perMs;
  };

  return {
    ask: () => asked.count(false),
    remember() {
      const spanMs = Math.max(1000, Math.min(USUAL_MS, now() - born));
      usualPerMs = Math.max(LEAST_PER_MS, asked.sums().total / spanMs);
    },
    start() {
      // Many workers with little to do each: some of them call, and not all together in the end.
      saved = random();
      at = now();
    },
    take(share) {
      refill(share);
      if (saved < 1) return false;
      saved -= 1;
      return true;
    },
    capacity(share) {
      const perMs = refill(share);
      return { room: Math.floor(saved), opensAt: now() + Math.max(0, 1 - saved) / perMs };
    },
  };
}
