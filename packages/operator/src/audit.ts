/** One line of the audit log. */
export interface AuditEntry {
  /** 1 for the first; no number is missing. */
  readonly number: number;
  /** Epoch milliseconds. */
  readonly at: number;
  /** Who did it. */
  readonly by: string;
  readonly role: string;
  /** "redrive", "release", "run.start", "queue.pause", "sign-in" … */
  readonly action: string;
  /** What it was done to: a letter's id, a run's, a queue, a filter as JSON. */
  readonly subject: string;
  readonly reason?: string;
  /** What it was expected to do, for bulk actions. */
  readonly plan?: unknown;
  /** What came of it; absent in the entry that was written before it was done. */
  readonly result?: string;
  /** The entry that announced what this one tells the result of. */
  readonly of?: number;
  /** Of the entry before; 64 zeros for the first. */
  readonly previous: string;
  /** SHA-256 over all of the above. */
  readonly hash: string;
}

export interface AuditPage {
  readonly entries: readonly AuditEntry[];
  readonly total: number;
}

export type Verification =
  | { readonly ok: true; readonly entries: number; /** Keep it elsewhere: whoever rewrites the whole log changes it. */ readonly head: string }
  | { readonly ok: false; readonly entries: number; readonly firstBad: number; readonly problem: string };
