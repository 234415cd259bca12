import type { CircuitState, Transition } from "@understudy/operator";

/** How a circuit stood for a while. */
export interface Segment {
  readonly at: CircuitState["at"];
  /** Epoch milliseconds. */
  readonly from: number;
  readonly to: number;
}

interface About {
  readonly provider: string;
  readonly capability: string;
}

interface Change {
  readonly at: CircuitState["at"];
  readonly time: number;
}

/**
 * How a provider's circuit stood between two moments, as far as is remembered.
 * @param transitions the newest first @param now how it stands
 */
export function segmentsOf(
  transitions: readonly Transition[],
  about: About,
  { from, to, now }: { readonly from: number; readonly to: number; readonly now: CircuitState["at"] },
): readonly Segment[] {
  // Backwards from what is known for sure: of how it began nothing may be remembered.
  const changes = changesOf(transitions, about, now).filter(({ time }) => time <= to);
  const segments: Segment[] = [];
  let end = to;
  for (const { at, time } of changes) {
    const start = Math.max(time, from);
    if (start < end) segments.unshift({ at, from: start, to: end });
    end = Math.min(end, start);
    if (time <= from) break;
  }
  return joined(segments);
}

/** The newest first, the last of them since ever. */
function changesOf(
  transitions: readonly Transition[],
  about: About,
  now: CircuitState["at"],
): readonly Change[] {
  const own = transitions.filter(
    (one) =>
      one.provider === about.provider &&
      (one.capability === undefined || one.capability === about.capability),
  );
  const oldest = own.findLast((one) => one.what === "circuit");
  let circuit: CircuitState["at"] =
    oldest?.what === "circuit" ? oldest.from : now === "isolated" ? "closed" : now;
  // An isolation is stronger than any other word, whichever of them is the narrower.
  const isolated = { narrow: false, wide: false };
  const standing = (): CircuitState["at"] => (isolated.narrow || isolated.wide ? "isolated" : circuit);
  const first: Change = { at: standing(), time: -Infinity };
  const rest = own.toReversed().map((one): Change => {
    if (one.what === "circuit") circuit = one.to;
    else if (one.capability === undefined) isolated.wide = one.verb === "isolate";
    else isolated.narrow = one.verb === "isolate";
    return { at: standing(), time: one.at };
  });
  return [first, ...rest].toReversed();
}

function joined(segments: readonly Segment[]): readonly Segment[] {
  return segments.reduce<readonly Segment[]>((done, segment) => {
    const last = done.at(-1);
    return last?.at === segment.at ? [...done.slice(0, -1), { ...last, to: segment.to }] : [...done, segment];
  }, []);
}
