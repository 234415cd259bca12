import type { OwnCircuit } from "@understudy/queue";

import { counted, span } from "./sentences.ts";
import type { CapabilityView } from "./views.ts";

type View = CapabilityView & { readonly provider: string };

interface Around {
  /** The other providers of the same capability. */
  readonly rivals: readonly View[];
  /** Those that workers hold for themselves alone. */
  readonly own: readonly OwnCircuit[];
  readonly now: number;
}

/**
 * What somebody who was woken wants to know of a provider's capability that is not as usual, and who does its work meanwhile.
 * @returns undefined when all is well
 */
export function healthSentence(view: View, { rivals, own, now }: Around): string | undefined {
  const about = `${view.provider} ${view.capability}: `;
  const stands = standingWords(view, now) ?? eachAloneWords(view, own, now);
  if (stands !== undefined) return `${about}${stands}; ${instead(view, rivals)}.`;
  if (view.state.at === "half_open") return `${about}${recovering(view, now)}.`;
  return own.length > 0
    ? `${about}circuit open on ${own.length} of ${counted(view.workers, "worker")} alone (${reasonOf(own)}); the others find nothing wrong with it.`
    : undefined;
}

/** Nobody calls it, though they have not agreed on it. */
function eachAloneWords(view: View, own: readonly OwnCircuit[], now: number): string | undefined {
  if (!isOpenOnAll(view)) return undefined;
  const since = Math.min(...own.map((one) => one.since));
  return `circuit open on ${view.workers === 1 ? "its only worker" : `each of its ${view.workers} workers`} for ${lasting(now - since)} (${reasonOf(own)})`;
}

function isOpenOnAll({ openOnWorkers, workers }: View): boolean {
  return openOnWorkers > 0 && openOnWorkers >= workers;
}

function reasonOf(own: readonly OwnCircuit[]): string {
  return [...new Set(own.map(({ reason }) => reason))].join(", ");
}

/** Of whatever gets no work now. */
function standingWords({ state, reason, since, directive }: View, now: number): string | undefined {
  const long = `for ${lasting(now - since)}`;
  if (state.at === "isolated") return `isolated by ${directive?.by ?? "somebody"} ${long} (${reason})`;
  if (state.at === "open") return `circuit open ${long} (${reason})`;
  if (directive?.verb === "divert")
    return `diverted by ${directive.by} for ${lasting(now - directive.since)} (${directive.reason})`;
  return undefined;
}

function recovering({ state, since }: View, now: number): string {
  const share = state.at === "half_open" ? state.share : 1;
  return share === 0
    ? "circuit half open, a probe is out"
    : `not closed for ${lasting(now - since)}, recovering with ${Math.round(100 * share)} % of its usual traffic`;
}

function instead({ capability, place, isSink }: View, rivals: readonly View[]): string {
  if (isSink) return `its copies of ${capability} wait`;
  const able = rivals
    .filter((rival) => rival.place !== undefined && getsWork(rival))
    .toSorted((one, other) => rank(one) - rank(other))
    .map(({ provider }) => provider);
  const [first, ...more] = able;
  if (first === undefined)
    return place === undefined && rivals.length === 0
      ? "no live worker has it on a route"
      : `nobody else serves ${capability}, and its jobs wait`;
  return more.length === 0
    ? `100 % of ${capability} goes to ${first}`
    : `${capability} goes to ${first}, then ${more.join(", ")}`;
}

function getsWork(view: View): boolean {
  const { state, directive } = view;
  const isCalled = state.at === "closed" || state.at === "half_open";
  return isCalled && !isOpenOnAll(view) && directive?.verb !== "divert";
}

const rank = ({ directive, place = 0 }: View): number => (directive?.verb === "prefer" ? 0 : place);

/** Coarse, for it is looked at by the second, and read out by what reads pages to people. */
function lasting(ms: number): string {
  if (ms < 60_000) return "less than a minute";
  return ms < 120_000 ? "1 min" : span(ms);
}
