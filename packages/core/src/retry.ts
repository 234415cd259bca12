export interface RetryPolicy {
  /** How many attempts that taught something a job may spend. */
  readonly attempts: number;
  /** The first back-off in milliseconds; it doubles with each attempt. */
  readonly baseMs: number;
  /** The cap on a single back-off. */
  readonly maxMs: number;
}

/**
 * Milliseconds to wait after `spent` attempts (1 after the first): full jitter under a capped exponential
 * (https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/).
 * @param random in [0, 1)
 */
export function backoff(policy: RetryPolicy, spent: number, random: number): number {
  const doublings = Math.min(Math.max(spent - 1, 0), 52);
  return Math.floor(random * Math.min(policy.maxMs, policy.baseMs * 2 ** doublings));
}
