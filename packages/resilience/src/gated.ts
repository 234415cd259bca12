import type { Adapter, Admission, Capability, Gate, Outcome, Refusal } from "@understudy/core";

/**
 * Asks the gates in order, and the adapter only when all admit. A gate that admitted before another refused gets its
 * admission back unused, so a closed door burns no permit; each learns only of calls really made. Put the gate that costs
 * most to take back last: circuit, bulkhead, rate limiter.
 */
export function withGates<C extends Capability>(
  provider: string,
  gates: readonly Gate[],
  now: () => number,
  adapter: Adapter<C>,
): Adapter<C> {
  return async (request, call) => {
    const at = now();
    const admissions: Admission[] = [];
    let outcome: Outcome | undefined;
    try {
      for (const gate of gates) {
        const answer = await gate.admit();
        if (!answer.ok) return withheld(provider, at, now(), answer);
        admissions.push(answer);
      }
      const answer = await adapter(request, call);
      outcome = answer;
      return answer;
    } finally {
      for (const admission of admissions) admission.settle(outcome);
    }
  };
}

function withheld(
  provider: string,
  at: number,
  end: number,
  { code, retryAfterMs }: Refusal,
): Outcome<never> {
  return { kind: "withheld", code, retryAfterMs, provider, at, durationMs: end - at };
}
