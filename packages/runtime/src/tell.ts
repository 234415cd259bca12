import { mayBeDuplicated, type Trail, type Verdict } from "@understudy/core";

import { summaryOf } from "./events.ts";
import type { Run } from "./run.ts";

export function tellCalls(trail: Trail, attempt: number, run: Run): void {
  for (const outcome of trail) run.observe({ event: "call", ...about(run), attempt, ...summaryOf(outcome) });
}

/** @param warmed the backup that was asked first, whatever became of that: the primary did its own work then */
export function tellFailover(trail: Trail, warmed: string | undefined, run: Run): void {
  const last = trail.at(-1);
  if (last?.kind !== "delivered" || trail.length === 1) return;
  if (trail.length === 2 && trail[0]?.provider === warmed) return;
  const from = trail.slice(0, -1).map(({ provider }) => provider);
  run.observe({ event: "failover", ...about(run), from, to: last.provider });
}

/** @param trail of the job's whole life */
export function tellVerdict(verdict: Verdict, trail: Trail, run: Run): void {
  run.span?.settled(verdict);
  run.observe({
    event: "settled",
    ...about(run),
    verdict: verdict.kind,
    mayBeDuplicated: mayBeDuplicated(trail),
    ...("delayMs" in verdict ? { delayMs: verdict.delayMs } : {}),
    ...("cause" in verdict ? { cause: verdict.cause, effect: verdict.effect } : {}),
  });
}

function about({ family, fetched }: Run): {
  readonly queue: string;
  readonly job: string;
  readonly jobId: string;
} {
  return { queue: family.name, job: fetched.name, jobId: fetched.id };
}
