import type { Vote } from "./electorate.ts";
import type { Circuit } from "./state.ts";

/** How a breaker speaks with those of other workers about one circuit. No call waits for it but one that may be the probe. */
export interface Peers {
  /** This worker's name among them. */
  readonly self: string;
  /** The fleet's clock, epoch milliseconds. */
  now(): number;
  /** False while the others cannot be reached: each is on its own then. */
  isReachable(): boolean;
  /** False until it was found out once how things stand, for a while at most: nobody should be called before that. */
  isKnown(): boolean;
  /** Changes what all hold; false when somebody was quicker, or nobody could be asked. What holds comes as news before that. */
  propose(before: Circuit, after: Circuit, probe?: "take" | "release"): Promise<boolean>;
  /** Leaves this worker's vote; absent: what it said before stands. */
  vote(vote: Vote): void;
  /** Everybody's, after this worker's own was left; undefined when they cannot be reached. */
  votes(vote?: Vote): Promise<readonly Vote[] | undefined>;
  /** Asks for the right to probe this worker's own circuit. */
  mayProbe(): Promise<boolean>;
}
