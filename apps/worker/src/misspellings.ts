const TOLERANCE = 2;

/** Pairs each stranger with the name that it was probably meant to be. */
export function misspellings(
  strangers: readonly string[],
  meant: readonly string[],
): readonly (readonly [string, string])[] {
  return strangers.flatMap((stranger) => {
    const [near] = meant
      .map((name) => ({ name, letters: distance(stranger.toUpperCase(), name) }))
      .filter(({ name, letters }) => name.length > 4 && letters <= TOLERANCE)
      .toSorted((a, b) => a.letters - b.letters);
    return near === undefined ? [] : [[stranger, near.name] as const];
  });
}

/** How many letters must be put in, taken out or changed (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (const [i, letter] of a.split("").entries()) {
    const next = [i + 1];
    for (const [j, other] of b.split("").entries()) {
      const change = row[j]! + (letter === other ? 0 : 1);
      next.push(Math.min(change, row[j + 1]! + 1, next[j]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
