import type { Line } from "./process.ts";
import type { Sentence } from "./tally.ts";

/** What is worth telling of the charges. */
export interface Story {
  /** Follows a charge; `isDeclined`: its card is no good. */
  follow(jobId: string, isDeclined: boolean): void;
  take(line: Line): Sentence | undefined;
}

export function createStory(): Story {
  const charges = new Map<string, { readonly isDeclined: boolean; isUnknown: boolean }>();
  return {
    follow: (jobId, isDeclined) => void charges.set(jobId, { isDeclined, isUnknown: false }),
    take({ event, jobId, kind, provider, verdict }) {
      const id = String(jobId);
      const charge = charges.get(id);
      if (charge === undefined) return undefined;
      if (event === "call" && kind === "ambiguous" && !charge.isUnknown) {
        charge.isUnknown = true;
        return {
          text: `${id} may have been charged: it stays with ${String(provider)}, under the same key`,
          tone: "bad",
        };
      }
      if (event !== "settled" || verdict !== "complete") return undefined;
      if (charge.isDeclined)
        return { text: `${id} was declined by the bank: an answer, and no failure`, tone: "good" };
      return charge.isUnknown
        ? { text: `${id} is settled by its key: charged once`, tone: "good" }
        : undefined;
    },
  };
}
