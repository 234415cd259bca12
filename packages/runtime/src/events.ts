import type { Cause, Failure, Outcome } from "@understudy/core";
import type { Pruned } from "@understudy/dead-letters";

interface About {
  readonly queue: string;
  readonly job: string;
  readonly jobId: string;
}

/** What an answer looked like from outside: everything but the receipt, which may hold personal data. */
export type CallSummary = Pick<Outcome, "provider" | "kind" | "durationMs" | "requestId"> &
  Partial<Pick<Failure, "code" | "detail" | "retryAfterMs">>;

/** How a family stands, as the janitor sees it at each round. */
export interface Measured {
  readonly event: "measured";
  readonly queue: string;
  readonly waiting: number;
  readonly delayed: number;
  readonly active: number;
  readonly isPaused: boolean;
  readonly oldestWaitingMs: number;
  readonly dead: number;
  readonly deadBytes: number;
  readonly oldestDeadMs: number;
  /** Failed members of flows, which stay where their parents look for them. */
  readonly failedInFlows: number;
  /** Failed jobs that could not be made dead letters: always 0, or a person must look. */
  readonly failedWithoutLetter: number;
}

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
  /** The janitor failed a job that BullMQ would have taken up for ever. */
  | { readonly event: "quarantined"; readonly queue: string; readonly jobId: string; readonly reason: string }
  /** The janitor deleted dead letters beyond the bounds of their retention: how many for which bound. */
  | ({ readonly event: "pruned"; readonly queue: string } & Pruned)
  /** The janitor put right what something foreign had left behind. */
  | {
      readonly event: "mended";
      readonly queue: string;
      readonly what: "strays" | "index";
      readonly count: number;
    }
  | Measured
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
