import type { Cause, Failure, Outcome } from "@understudy/core";

interface About {
  readonly queue: string;
  readonly job: string;
  readonly jobId: string;
}

/** What an answer looked like from outside: everything but the receipt, which may hold personal data. */
export type CallSummary = Pick<Outcome, "provider" | "kind" | "durationMs" | "requestId"> &
  Partial<Pick<Failure, "code" | "detail" | "retryAfterMs">>;

/** What the runtime tells whoever watches: logs, metrics, alerts. */
export type RuntimeEvent =
  | (About & { readonly event: "call"; readonly attempt: number } & CallSummary)
  /** A later provider delivered what an earlier one could not: a fallback must never hide the primary's death. */
  | (About & { readonly event: "failover"; readonly from: readonly string[]; readonly to: string })
  | (About & {
      readonly event: "settled";
      readonly verdict: "complete" | "retry" | "snooze" | "dead_letter";
      readonly delayMs?: number;
      readonly cause?: Cause;
      readonly effect?: "none" | "maybe";
      /** The trail says that more than one copy may exist. */
      readonly mayBeDuplicated: boolean;
    })
  | { readonly event: "trouble"; readonly queue: string; readonly error: Error };

/** Must not throw. */
export type Observe = (event: RuntimeEvent) => void;

export function summaryOf(outcome: Outcome): CallSummary {
  const { provider, kind, durationMs } = outcome;
  const requestId = outcome.requestId === undefined ? {} : { requestId: outcome.requestId };
  if (outcome.kind === "delivered") return { provider, kind, durationMs, ...requestId };
  const { code, detail, retryAfterMs } = outcome;
  return {
    provider,
    kind,
    durationMs,
    code,
    ...requestId,
    ...(detail === undefined ? {} : { detail }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}

export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
