import { createHash } from "node:crypto";

/** The job's id as far as Square has room for it: a `reference_id` holds 40 characters, so a longer one becomes its digest. */
export function referenceOf(jobId: string): string {
  return jobId.length <= 40 ? jobId : createHash("sha256").update(jobId).digest("hex").slice(0, 40);
}

/** A refund has no reference of its own; the last words of its reason are ours. */
export function markOf(jobId: string): string {
  return `[job ${referenceOf(jobId)}]`;
}
