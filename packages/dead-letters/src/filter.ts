import type { Cause, Effect } from "@understudy/core";

/** One way in which a call of the letter's job failed. */
export interface FacetFailure {
  readonly provider: string;
  readonly code: string;
}

/** What the letters of one group have in common. */
export interface Facets {
  readonly job: string;
  readonly cause: Cause;
  readonly effect: Exclude<Effect, "done">;
  /** How the last call to each provider ended, where it failed. */
  readonly failures: readonly FacetFailure[];
}

/** Which dead letters. What is given must hold, all of it; of a list one is enough. */
export interface LetterFilter {
  readonly queue?: readonly string[];
  readonly job?: readonly string[];
  readonly cause?: readonly Cause[];
  readonly effect?: readonly Facets["effect"][];
  readonly provider?: readonly string[];
  /** With a provider: of one of those. */
  readonly code?: readonly string[];
  readonly group?: readonly string[];
  /** Died then or later, epoch milliseconds. */
  readonly from?: number;
  /** Died then or earlier, epoch milliseconds. */
  readonly to?: number;
  /** Stands in the id, the reason, or a field of the payload that is not sensitive; capitals do not matter. */
  readonly text?: string;
}

/** Whether a group's letters match, but for when they died and for the text. */
export function matches(filter: LetterFilter, queue: string, group: string, facets: Facets): boolean {
  const isIn = (wanted: readonly string[] | undefined, value: string): boolean =>
    wanted === undefined || wanted.includes(value);
  const isFailure = ({ provider, code }: FacetFailure): boolean =>
    isIn(filter.provider, provider) && isIn(filter.code, code);
  return (
    isIn(filter.queue, queue) &&
    isIn(filter.job, facets.job) &&
    isIn(filter.cause, facets.cause) &&
    isIn(filter.effect, facets.effect) &&
    isIn(filter.group, group) &&
    ((filter.provider === undefined && filter.code === undefined) || facets.failures.some(isFailure))
  );
}
