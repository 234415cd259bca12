import {
  type Adapter,
  type Admission,
  type Ask,
  type Call,
  type Capability,
  type Gate,
  type Outcome,
  type Refusal,
  type RequestOf,
  usualAsk,
} from "@understudy/core";

/**
 * Asks the gates in order, and the adapter only when all admit. A gate that admitted before another refused gets its
 * admission back unused, so a closed door burns no permit; each learns only of calls really made. Put the gate that costs
 * most to take back last: circuit, bulkhead, rate limiter.
 * @param askOf what the gates are told of a call
 */
export function withGates<C extends Capability>(
  provider: string,
  gates: readonly Gate[],
  now: () => number,
  adapter: Adapter<C>,
  askOf: (request: RequestOf<C>, call: Call) => Ask = () => usualAsk,
): Adapter<C> {
  return async (request, call) => {
    const at = now();
    const ask = askOf(request, call);
    const admissions: Admission[] = [];
    let outcome: Outcome | undefined;
    try {
      for (const gate of gates) {
        const asked = gate.admit(ask);
        // Most know at once, and a turn of the microtasks for each of them adds up.
        const answer = asked instanceof Promise ? await asked : asked;
        if (!answer.ok) return withheld(provider, at, now(), answer);
        admissions.push(answer);
      }
      const answer = await adapter(request, call);
      outcome = answer;
      return withoutPace(answer);
    } finally {
      for (const admission of admissions) admission.settle(outcome);
    }
  };
}

/** It speaks of the account and not of the job. */
function withoutPace<O extends Outcome>(outcome: O): O {
  if (outcome.pace === undefined) return outcome;
  const { pace: _, ...rest } = outcome;
  return rest as O;
}

function withheld(
  provider: string,
  at: number,
  end: number,
  { code, retryAfterMs }: Refusal,
): Outcome<never> {
  return { kind: "withheld", code, retryAfterMs, provider, at, durationMs: end - at };
}
