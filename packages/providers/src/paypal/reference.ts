import { createHash } from "node:crypto";

/**
 * The job's id, by which a transaction report finds what it did. PayPal has room for 127 characters, of which a refund takes these;
 * any other id becomes its digest.
 */
export function referenceOf(jobId: string): string {
  return /^[\w.,-]{1,127}$/u.test(jobId) ? jobId : createHash("sha256").update(jobId).digest("hex");
}
