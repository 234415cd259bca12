import {
  type Binding,
  type Call,
  decide,
  mayBeDuplicated,
  type Outcome,
  type Trail,
  UNKNOWN_PROVIDER,
  type Verdict,
  withBinding,
} from "@understudy/core";
import {
  type Family,
  type Fetched,
  type Producer,
  type Redis,
  type Settlement,
  writeFenced,
} from "@understudy/queue";
import { canAskAgain, deliver, type Delivery } from "@understudy/resilience";

import type { Catalogue } from "./catalogue.ts";
import { asError, type Observe, summaryOf } from "./events.ts";
import { lineOf, verdictLine } from "./log-lines.ts";
import { type Decided, factsOf, type Ready, receive } from "./receive.ts";
import { addRemainders, remaindersOf } from "./remainder.ts";
import { advance, settlementOf, stampStarts } from "./settle.ts";

export interface RunContext {
  readonly redis: Redis;
  /** For the parts of a job that was delivered in part. */
  readonly producer: Producer;
  readonly family: Family;
  readonly catalogue: Catalogue;
  readonly observe: Observe;
  readonly now: () => number;
  readonly random: () => number;
}

/** One run of one job, from what BullMQ hands over to what BullMQ shall do with it. */
export async function runJob(
  fetched: Fetched,
  signal: AbortSignal,
  context: RunContext,
): Promise<Settlement> {
  const received = receive(fetched, context.catalogue, context.now());
  return received.at === "ready"
    ? await attempt(received, fetched, signal, context)
    : await close(received, fetched, context);
}

async function attempt(
  ready: Ready,
  fetched: Fetched,
  signal: AbortSignal,
  context: RunContext,
): Promise<Settlement> {
  const { job, route, envelope, life } = ready;
  const delivery = await ask(ready, fetched, signal, context);
  const now = context.now();
  const { trail } = delivery;
  const mayAskAgain = canAskAgain(route, withBinding(life, delivery.bound), trail, now);
  const verdict = decide(job, { ...factsOf(envelope, mayAskAgain, now), trail, random: context.random() });
  const next = advance(envelope, { trail, bound: delivery.bound, verdict, starts: fetched.starts, now });

  const rest = remaindersOf(job, envelope, trail, now);
  if (rest.length > 0) await addRemainders(context.producer, context.family, rest, signal);

  const number = envelope.attempt + 1;
  tellCalls(trail, number, fetched, context);
  tellVerdict(verdict, next.trail, fetched, context);
  const lines = [...trail.map((outcome) => lineOf(outcome, number)), verdictLine(verdict)];
  await writeLog(fetched, verdict, lines, context);
  return settlementOf(verdict, next, reasonOf(trail));
}

async function ask(
  ready: Ready,
  fetched: Fetched,
  signal: AbortSignal,
  context: RunContext,
): Promise<Delivery> {
  const { route, envelope, life } = ready;
  let bound = life.bound;
  try {
    return await deliver(route, ready.request, callOf(ready, fetched, signal), life, {
      now: context.now,
      bind: (binding) => {
        bound = binding;
        return bind(binding, ready, fetched, context);
      },
      ...(envelope.providers === undefined ? {} : { allowed: envelope.providers }),
    });
  } catch (error) {
    // A bug of ours, at a point unknown: something may have left.
    context.observe({ event: "trouble", queue: context.family.name, error: asError(error) });
    const at = context.now();
    const provider = bound?.provider ?? UNKNOWN_PROVIDER;
    const bug: Outcome = { kind: "ambiguous", code: "internal_error", provider, at, durationMs: 0 };
    return bound === undefined ? { trail: [bug] } : { trail: [bug], bound };
  }
}

/** A verdict that stood before anybody was asked. */
async function close(received: Decided, fetched: Fetched, context: RunContext): Promise<Settlement> {
  const { verdict, envelope, reason } = received;
  const next =
    envelope &&
    advance(envelope, {
      trail: [],
      bound: envelope.bound,
      verdict,
      starts: fetched.starts,
      now: context.now(),
    });
  tellVerdict(verdict, next?.trail ?? [], fetched, context);
  await writeLog(fetched, verdict, [`${verdictLine(verdict)}: ${reason}`], context);
  return settlementOf(verdict, next ?? stampStarts(fetched), reason);
}

function callOf({ envelope }: Ready, { id }: Fetched, signal: AbortSignal): Call {
  return {
    jobId: id,
    idempotencyKey: `${id}-g${envelope.generation}`,
    signal,
    ...(envelope.traceparent === undefined ? {} : { traceparent: envelope.traceparent }),
  };
}

/** Starts stay unsettled until the run ends: if this worker dies after the binding, the next one knows that it did. */
async function bind(
  bound: Binding,
  { envelope }: Ready,
  fetched: Fetched,
  { redis, family, observe }: RunContext,
): Promise<boolean> {
  try {
    return await writeFenced(
      redis,
      family,
      fetched.id,
      fetched.token,
      JSON.stringify({ ...envelope, bound }),
    );
  } catch (error) {
    // Unwritten is unbound, and unbound is unsent: the job waits.
    observe({ event: "trouble", queue: family.name, error: asError(error) });
    return false;
  }
}

function tellCalls(
  trail: Trail,
  attemptNumber: number,
  fetched: Fetched,
  { observe, family }: RunContext,
): void {
  const about = { queue: family.name, job: fetched.name, jobId: fetched.id };
  for (const outcome of trail)
    observe({ event: "call", ...about, attempt: attemptNumber, ...summaryOf(outcome) });
  const last = trail.at(-1);
  if (last?.kind === "delivered" && trail.length > 1) {
    observe({
      event: "failover",
      ...about,
      from: trail.slice(0, -1).map(({ provider }) => provider),
      to: last.provider,
    });
  }
}

function tellVerdict(
  verdict: Verdict,
  trail: Trail,
  fetched: Fetched,
  { observe, family }: RunContext,
): void {
  const about = {
    queue: family.name,
    job: fetched.name,
    jobId: fetched.id,
    mayBeDuplicated: mayBeDuplicated(trail),
  };
  const { kind } = verdict;
  if (kind === "complete") observe({ event: "settled", ...about, verdict: kind });
  else if (kind === "dead_letter")
    observe({ event: "settled", ...about, verdict: kind, cause: verdict.cause, effect: verdict.effect });
  else observe({ event: "settled", ...about, verdict: kind, delayMs: verdict.delayMs });
}

/**
 * The job's own log is for people; a line that cannot be written must not change what becomes of the job. The lines travel
 * ahead of the settling write on the same connection; only a dead letter, which moves, must wait for them.
 */
async function writeLog(
  fetched: Fetched,
  verdict: Verdict,
  lines: readonly string[],
  { observe, family }: RunContext,
): Promise<void> {
  const written = Promise.all(lines.map((line) => fetched.log(line))).catch((error: unknown) => {
    observe({ event: "trouble", queue: family.name, error: asError(error) });
  });
  if (verdict.kind === "dead_letter") await written;
}

function reasonOf(trail: Trail): string {
  const last: Outcome | undefined = trail.at(-1);
  if (last === undefined || last.kind === "delivered") return "";
  return `${last.provider} answered ${last.kind} ${last.code}${last.detail === undefined ? "" : ` (${last.detail})`}`;
}
