import type { Capacity } from "@understudy/core";

import { createWindow } from "./window.ts";

/** Lets a share of the usual traffic through, evenly over time. */
export interface Ramp {
  /** Somebody wants to call, whether they may or not. */
  ask(): void;
  /** The traffic of the last while is the usual one. */
  remember(): void;
  /** Begins a step. */
  start(): void;
  /** Takes leave for one call, if the share has any left. */
  take(share: number): boolean;
  capacity(share: number): Capacity;
}

/** A worker that had nothing to do before may try so often. */
const LEAST_PER_SECOND = 1;
/** Saved up at most, so that a pause does not end in a burst. */
const MAX_SAVED = 1;

/** @param random in [0, 1) */
export function createRamp(windowMs: number, now: () => number, random: () => number): Ramp {
  const asked = createWindow(windowMs, now);
  let usualPerMs = 0;
  let saved = 0;
  let at = now();

  const perMs = (share: number): number =>
    share * Math.max(usualPerMs, asked.sums().total / windowMs, LEAST_PER_SECOND / 1000);
  const refill = (share: number): void => {
    saved = Math.min(saved + (now() - at) * perMs(share), Math.max(MAX_SAVED, perMs(share) * 10));
    at = now();
  };

  return {
    ask: () => asked.count(false),
    remember() {
      usualPerMs = asked.sums().total / windowMs;
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
      refill(share);
      return { room: Math.floor(saved), opensAt: now() + Math.max(0, 1 - saved) / perMs(share) };
    },
  };
}
