import type { Program } from "./program.ts";
import type { Kind } from "./workload.ts";

/** What a system says became of a job. */
export type Fate =
  /** Done, and answered for. */
  | { readonly end: "done"; readonly isLabelled: boolean; readonly wasLookedUp?: boolean }
  /** A card was declined: an answer, and no effect. */
  | { readonly end: "declined" }
  /** Given up; `effect` is what the system knows of it: a plain exception knows nothing. */
  | { readonly end: "dead"; readonly effect: "none" | "maybe" | "unsaid"; readonly isLabelled: boolean }
  | { readonly end: "open" }
  | { readonly end: "unheard_of" };

/** One of those that are compared. */
export interface System extends AsyncDisposable {
  startWorker(): Promise<Program>;
  /** Stores these jobs; again and again until Redis has acknowledged them. */
  enqueue(kind: Kind, numbers: readonly number[]): Promise<void>;
  /** How many jobs have ended. */
  ended(): Promise<number>;
  fateOf(kind: Kind, n: number): Promise<Fate>;
}
