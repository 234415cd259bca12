import { randomInt } from "node:crypto";

/** Numbers by chance that CHAOS_SEED repeats; what another process does meanwhile stays its own business. */
export interface Chance {
  /** For the report of a failure. */
  readonly seed: number;
  /** A whole number from `min` to `max`, both included. */
  between(min: number, max: number): number;
}

export function createChance(): Chance {
  const seed = Number(process.env["CHAOS_SEED"] ?? randomInt(2 ** 31));
  const next = mulberry32(seed);
  return { seed, between: (min, max) => min + Math.floor(next() * (max - min + 1)) };
}

/** A generator of 32 bits of state, in [0, 1). */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = Math.trunc(state + 0x6d2b79f5);
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
