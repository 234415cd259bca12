import type { Vote } from "./electorate.ts";
import type { Circuit } from "./state.ts";

/** How a breaker speaks with those of other workers about one circuit. Nothing here is waited for by a call. */
export interface Peers {
  /** This worker's name among them. */
  readonly self: string;
  /** The fleet's clock, epoch milliseconds. */
  now(): number;
  /** False while the others cannot be reached: each is on its own then. */
  isReachable(): boolean;
  /** Changes what all hold, unless somebody was quicker; what became of it comes back as news. */
  propose(before: Circuit, after: Circuit, probe?: "take" | "release"): void;
  /** Answers with everybody's; undefined when they cannot be reached. */
  vote(vote: Vote): Promise<readonly Vote[] | undefined>;
  /** Asks for the right to probe this worker's own circuit. */
  mayProbe(): Promise<boolean>;
}
