import {
  asError,
  allowedBy,
  type Call,
  compact,
  effectOf,
  type Outcome,
  UNKNOWN_PROVIDER,
} from "@understudy/core";
import { deliver, type Delivery, INTERNAL_ERROR, lookUp } from "@understudy/resilience";

import type { Ready } from "./receive.ts";
import type { Run } from "./run.ts";
import { writeDown } from "./write-down.ts";

/** Asks the providers of the job's route. Never throws. */
export async function ask(ready: Ready, run: Run): Promise<Delivery> {
  const { envelope, life, request, route } = ready;
  const allowed = allowedBy(envelope);
  let bound = life.bound;
  const onBug = (error: unknown): void => {
    run.observe({ event: "trouble", queue: run.family.name, error: asError(error) });
  };
  try {
    return await deliver(route, request, callOf(ready, run), life, {
      now: run.now,
      bind: async (binding) => {
        bound = binding;
        return await writeDown({ ...envelope, bound: binding }, run);
      },
      note: (soFar) => writeDown({ ...envelope, trail: compact([...envelope.trail, ...soFar]) }, run),
      onBug,
      random: run.random,
      ...(run.span === undefined ? {} : { ask: run.span.asking(route.capability.name) }),
      ...(allowed === undefined ? {} : { allowed }),
      ...(envelope.deliverBy === undefined
        ? {}
        : { deadline: { at: envelope.deliverBy, since: envelope.lifeStartedAt } }),
    });
  } catch (error) {
    // A bug of ours, at a point unknown: something may have left.
    onBug(error);
    const provider = bound?.provider ?? UNKNOWN_PROVIDER;
    const bug: Outcome = {
      kind: "ambiguous",
      code: INTERNAL_ERROR,
      provider,
      at: run.now(),
      durationMs: 0,
    };
    return bound === undefined ? { trail: [bug] } : { trail: [bug], bound };
  }
}

/** Asks the provider what became of the job's earlier calls. Never throws. */
export async function askWhatBecame(ready: Ready, run: Run): Promise<Delivery> {
  const { life, request, question } = ready;
  if (question === undefined) throw new TypeError("whoever looks up must know whom to ask");
  const call = callOf(ready, run);
  const asked = { provider: question.provider, capability: ready.route.capability.name, isLookUp: true };
  const outcome = await (run.span === undefined
    ? lookUp(question, request, call, life, run.now)
    : run.span.call(asked, call, (inner) => lookUp(question, request, inner, life, run.now)));
  const isSettled = effectOf([...life.history, outcome], question.provider) === "none";
  return life.bound === undefined || isSettled
    ? { trail: [outcome] }
    : { trail: [outcome], bound: life.bound };
}

function callOf({ envelope }: Ready, { fetched, signal }: Run): Call {
  return {
    jobId: fetched.id,
    idempotencyKey: `${fetched.id}-g${envelope.generation}`,
    signal,
    ...(envelope.traceparent === undefined ? {} : { traceparent: envelope.traceparent }),
  };
}
