import type { Outcome, Trail, Verdict } from "@understudy/core";

/** One readable line per answer for the job's own log. */
function lineOf(outcome: Outcome, attempt: number): string {
  const head = `${new Date(outcome.at).toISOString()} attempt ${attempt} ${outcome.provider}`;
  const id = outcome.requestId === undefined ? "" : ` request ${outcome.requestId}`;
  if (outcome.kind === "delivered") return `${head} ✓ delivered in ${outcome.durationMs} ms${id}`;
  const wait = outcome.retryAfterMs === undefined ? "" : `, retry after ${outcome.retryAfterMs} ms`;
  const detail = outcome.detail === undefined ? "" : `: ${outcome.detail}`;
  return `${head} ✗ ${outcome.kind} ${outcome.code} in ${outcome.durationMs} ms${wait}${id}${detail}`;
}

/** The last line says what was made of it. */
export function linesOf(trail: Trail, attempt: number, verdict: Verdict): readonly string[] {
  const lines = trail.map((outcome) => lineOf(outcome, attempt));
  const last = lines.pop();
  return [...lines, last === undefined ? verdictLine(verdict) : `${last} ${verdictLine(verdict)}`];
}

export function verdictLine(verdict: Verdict): string {
  switch (verdict.kind) {
    case "complete":
      return "→ complete";
    case "retry":
      return `→ retry in ${verdict.delayMs} ms`;
    case "snooze":
      return `→ snooze for ${verdict.delayMs} ms, no attempt spent`;
    case "dead_letter":
      return `→ dead letter ${verdict.cause}, effect ${verdict.effect}`;
  }
}

/** The last answer in words: why a dead letter is one. */
export function reasonOf(trail: Trail): string {
  const last = trail.at(-1);
  if (last === undefined || last.kind === "delivered") return "";
  return `${last.provider} answered ${last.kind} ${last.code}${last.detail === undefined ? "" : ` (${last.detail})`}`;
}
