/** Numbers by chance that a seed repeats. */
export interface Chance {
  /** A whole number from `min` to `max`, both included. */
  between(min: number, max: number): number;
  oneOf<T>(choices: readonly T[]): T;
}

/** mulberry32: 32 bits of state, good enough to choose by. */
export function createChance(seed: number): Chance {
  let state = seed;
  const next = (): number => {
    state = Math.trunc(state + 0x6d2b79f5);
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const between = (min: number, max: number): number => min + Math.floor(next() * (max - min + 1));
  return {
    between,
    oneOf(choices) {
      const chosen = choices[between(0, choices.length - 1)];
      if (chosen === undefined) throw new TypeError("there must be something to choose from");
      return chosen;
    },
  };
}
