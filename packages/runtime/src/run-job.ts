import { decide, withBinding } from "@understudy/core";
import { cancelReasonOf, type Fetched, locate, type Located, type Settlement } from "@understudy/queue";
import { canAskAgain, questionFor } from "@understudy/resilience";

import { ask, askWhatBecame } from "./ask.ts";
import { linesOf, reasonOf, verdictLine } from "./log-lines.ts";
import { type Decided, pastOf, type Ready, receive } from "./receive.ts";
import { addRemainders, isPartial } from "./remainder.ts";
import type { Run, RunContext } from "./run.ts";
import { advance, settlementOf, stampStarts } from "./settle.ts";
import { tellCalls, tellFailover, tellVerdict } from "./tell.ts";
import { startRunSpan } from "./tracing.ts";

/** One run of one job, from what BullMQ hands over to what BullMQ shall do with it. */
export function runJob(fetched: Fetched, signal: AbortSignal, context: RunContext): Promise<Settlement> {
  const span = startRunSpan(fetched, context.family.name);
  const run = { ...context, fetched, signal, span };
  return span === undefined ? runOnce(run) : span.round(() => runOnce(run));
}

async function runOnce(run: Run): Promise<Settlement> {
  const { fetched, span } = run;
  const find = (id: string): Promise<Located> => locate(run.redis, run.family, id);
  const opened = await receive(fetched, run.catalogue, find, run.now());
  const received = span === undefined ? opened : span.received(opened);
  return received.at === "ready" ? await attempt(received, run) : await settleUnasked(received, run);
}

async function attempt(ready: Ready, run: Run): Promise<Settlement> {
  const { job, route, envelope, life } = ready;
  run.fetched.asks();
  const { trail, bound, warmed } = await (ready.question === undefined
    ? ask(ready, run)
    : askWhatBecame(ready, run));

  const now = run.now();
  const lifeNow = withBinding(life, bound);
  const past = pastOf(envelope, {
    canAskAgain: canAskAgain(route, lifeNow, trail, now),
    lookUpAt: questionFor(route, lifeNow, trail)?.at,
    now,
  });
  const cancelled = cancelReasonOf(run.signal);
  const isCancelled = cancelled !== undefined;
  const verdict = decide(job, { ...past, trail, isCancelled, random: run.random() });
  const next = advance(envelope, { trail, bound, verdict, starts: run.fetched.starts, now });

  if (trail.some((outcome) => isPartial(outcome, envelope))) await addRemainders(job, envelope, trail, run);
  const number = envelope.attempt + 1;
  tellCalls(trail, number, run);
  const log = linesOf(trail, number, verdict);
  return settlementOf(
    verdict,
    { data: JSON.stringify(next), reason: cancelled ?? reasonOf(trail), log },
    () => {
      tellFailover(trail, warmed, run);
      tellVerdict(verdict, next.trail, run);
    },
  );
}

/** A verdict that stood before anybody was asked. */
async function settleUnasked({ verdict, envelope, reason }: Decided, run: Run): Promise<Settlement> {
  const { fetched } = run;
  const settled = { trail: [], bound: envelope?.bound, verdict, starts: fetched.starts, now: run.now() };
  const next = envelope && advance(envelope, settled);
  const log = [`${verdictLine(verdict)}: ${reason}`];
  const data = next ? JSON.stringify(next) : stampStarts(fetched);
  return settlementOf(verdict, { data, reason, log }, () => tellVerdict(verdict, next?.trail ?? [], run));
}
