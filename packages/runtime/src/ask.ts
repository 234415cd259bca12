import { type Binding, type Call, type Outcome, UNKNOWN_PROVIDER } from "@understudy/core";
import { writeFenced } from "@understudy/queue";
import { deliver, type Delivery } from "@understudy/resilience";

import { asError } from "./events.ts";
import type { Ready } from "./receive.ts";
import type { Run } from "./run.ts";

/** Asks the providers of the job's route. Never throws. */
export async function ask(ready: Ready, run: Run): Promise<Delivery> {
  const { route, envelope, life, request } = ready;
  let bound = life.bound;
  try {
    return await deliver(route, request, callOf(ready, run), life, {
      now: run.now,
      bind: async (binding) => {
        bound = binding;
        return await bind(binding, ready, run);
      },
      ...(envelope.providers === undefined ? {} : { allowed: envelope.providers }),
    });
  } catch (error) {
    // A bug of ours, at a point unknown: something may have left.
    run.observe({ event: "trouble", queue: run.family.name, error: asError(error) });
    const provider = bound?.provider ?? UNKNOWN_PROVIDER;
    const bug: Outcome = {
      kind: "ambiguous",
      code: "internal_error",
      provider,
      at: run.now(),
      durationMs: 0,
    };
    return bound === undefined ? { trail: [bug] } : { trail: [bug], bound };
  }
}

function callOf({ envelope }: Ready, { fetched, signal }: Run): Call {
  return {
    jobId: fetched.id,
    idempotencyKey: `${fetched.id}-g${envelope.generation}`,
    signal,
    ...(envelope.traceparent === undefined ? {} : { traceparent: envelope.traceparent }),
  };
}

/** Starts stay unsettled until the run ends: if this worker dies after the binding, the next one knows that it did. */
async function bind(bound: Binding, { envelope }: Ready, run: Run): Promise<boolean> {
  const { redis, family, fetched, observe } = run;
  const data = JSON.stringify({ ...envelope, bound });
  try {
    return await writeFenced(redis, family, fetched.id, fetched.token, data);
  } catch (error) {
    // Unwritten is unbound, and unbound is unsent: the job waits.
    observe({ event: "trouble", queue: family.name, error: asError(error) });
    return false;
  }
}
