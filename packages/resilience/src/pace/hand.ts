import type { Lot } from "./store.ts";

/** Permits of this process, which lapse soon, so that those nobody uses never make a burst. */
export interface Hand {
  put(lot: Lot, lapsesAt: number): void;
  /** Takes so many at once, or none. */
  take(permits: number): Taken | undefined;
  /** Gives unused ones back: to the hand while they last. */
  giveBack(taken: Taken): void;
  count(): number;
  /** All of them become unused ones. */
  drop(): void;
  /** What is to be given back to the store, which is then its business. */
  unused(): readonly Lot[];
}

export type Taken = readonly { readonly from: Holding; readonly permits: number }[];

interface Holding {
  readonly at: number;
  readonly lapsesAt: number;
  left: number;
}

export function createHand(now: () => number): Hand {
  let holdings: Holding[] = [];
  let back: Lot[] = [];
  let count = 0;

  const isOver = ({ lapsesAt }: Holding): boolean => lapsesAt <= now();
  const giveUp = (holding: Holding): void => {
    if (holding.left > 0) back.push({ permits: holding.left, at: holding.at });
    count -= holding.left;
    holding.left = 0;
  };
  const sweep = (): void => {
    // The oldest lapse first.
    if (holdings[0] === undefined || !isOver(holdings[0])) return;
    for (const holding of holdings) if (isOver(holding)) giveUp(holding);
    holdings = holdings.filter((holding) => !isOver(holding));
  };

  return {
    put({ permits, at }, lapsesAt) {
      sweep();
      holdings.push({ at, lapsesAt, left: permits });
      count += permits;
    },
    take(permits) {
      sweep();
      if (count < permits) return undefined;
      const taken: { readonly from: Holding; readonly permits: number }[] = [];
      let open = permits;
      for (const holding of holdings) {
        if (open === 0) break;
        const some = Math.min(open, holding.left);
        if (some === 0) continue;
        holding.left -= some;
        open -= some;
        taken.push({ from: holding, permits: some });
      }
      count -= permits;
      return taken;
    },
    giveBack(taken) {
      for (const { from, permits } of taken) {
        if (isOver(from)) back.push({ permits, at: from.at });
        else {
          from.left += permits;
          count += permits;
        }
      }
    },
    count() {
      sweep();
      return count;
    },
    drop() {
      for (const holding of holdings) giveUp(holding);
    },
    unused() {
      sweep();
      const lots = back;
      back = [];
      return lots;
    },
  };
}
