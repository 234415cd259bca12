import type { FakeAnswer } from "./http-sandbox.ts";
import type { EffectNote } from "./ledger.ts";

export interface FakeEvent {
  /** By what the vendor knows one that comes again. */
  readonly key: string;
  readonly note: EffectNote;
}

/** What a sink remembers of events: of those it takes, only the ones that are new to it have an effect. */
export function createSeenEvents(): (
  events: readonly FakeEvent[],
) => Pick<FakeAnswer, "effect"> & { isReplay: boolean } {
  const seen = new Set<string>();
  return (events) => {
    const effect = events.flatMap(({ key, note }) => {
      if (seen.has(key)) return [];
      seen.add(key);
      return [note];
    });
    return { effect, isReplay: events.length > 0 };
  };
}
