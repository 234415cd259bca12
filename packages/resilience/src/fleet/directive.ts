/** What a person wants done with a provider. Divert: no new work. Prefer: first choice. Isolate: nobody calls it at all. */
export const verbs = ["divert", "prefer", "isolate"] as const;
export type Verb = (typeof verbs)[number];

/** A person's standing word about a provider; a later one about the same takes its place. */
export interface Directive {
  readonly verb: Verb;
  readonly provider: string;
  /** Absent: for all of the provider's. */
  readonly capability?: string;
  readonly reason: string;
  /** Who gave it. */
  readonly by: string;
  /** Epoch milliseconds of the fleet's clock. */
  readonly since: number;
  /** From when it holds no more; absent: until it is taken back. */
  readonly until?: number;
}

/**
 * The word that holds for a provider's capability: of two, the one about this capability alone. An isolation holds in any case: what
 * does harm is not to be called because of what was said before.
 */
export function directiveFor(
  directives: readonly Directive[],
  provider: string,
  capability: string,
  now: number,
): Directive | undefined {
  const held = directives.filter((one) => one.provider === provider && holds(one, now));
  const narrow = held.find((one) => one.capability === capability);
  const wide = held.find((one) => one.capability === undefined);
  return wide?.verb === "isolate" && narrow?.verb !== "isolate" ? wide : (narrow ?? wide);
}

export function holds({ until }: Directive, now: number): boolean {
  return until === undefined || now < until;
}
