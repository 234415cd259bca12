/** What a bench must show, in words that are true when it does. */
export interface Requirement {
  readonly what: string;
  readonly isMet: boolean;
}

/** Says which do not hold. @returns the exit code */
export function held(bench: string, requirements: readonly Requirement[]): 0 | 1 {
  const broken = requirements.filter(({ isMet }) => !isMet);
  for (const { what } of broken) console.log(`\n${bench}: required, and not met: ${what}.`);
  return broken.length === 0 ? 0 : 1;
}
