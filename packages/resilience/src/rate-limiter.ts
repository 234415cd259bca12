import type { Gate } from "@understudy/core";

export interface RateLimit {
  /** Calls a second on average; Infinity when only the provider's own "later" is to be heeded. */
  readonly perSecond: number;
  /** How many may go at once after a pause. Default: a tenth of a second's worth, at least 1. */
  readonly burst?: number;
}

/**
 * Keeps one provider account to its pace (GCRA: one number, the time at which the bucket would be full again). A provider
 * that says "later" moves that time. A call that was admitted but not made gives its permit back.
 */
export function createRateLimiter({
  now,
  limit,
}: {
  readonly now: () => number;
  readonly limit: RateLimit;
}): Gate {
  const intervalMs = 1000 / limit.perSecond;
  const burst =
    limit.burst ?? Math.max(1, limit.perSecond === Infinity ? 1 : Math.floor(limit.perSecond / 10));
  const toleranceMs = intervalMs * (burst - 1);
  let fullAt = 0;
  let closedUntil = 0;

  const opensAt = (): number => Math.max(closedUntil, fullAt - toleranceMs);

  return {
    capacity() {
      const waitMs = opensAt() - now();
      // Without a limit of ours only the provider's own "later" counts.
      const permits = intervalMs === 0 ? Infinity : Math.floor(-waitMs / intervalMs) + 1;
      return {
        room: waitMs > 0 ? 0 : Math.min(permits, intervalMs === 0 ? Infinity : burst),
        opensAt: opensAt(),
      };
    },
    admit() {
      const waitMs = opensAt() - now();
      if (waitMs > 0) return { ok: false, code: "rate_limited", retryAfterMs: Math.ceil(waitMs) };
      fullAt = Math.max(fullAt, now()) + intervalMs;
      return {
        ok: true,
        settle(outcome) {
          if (outcome === undefined) fullAt -= intervalMs;
          else if (outcome.kind === "throttled")
            closedUntil = Math.max(closedUntil, now() + (outcome.retryAfterMs ?? 1000));
        },
      };
    },
  };
}
