import {
  asError,
  compact,
  effectOf,
  type Envelope,
  INTERRUPTED,
  type Outcome,
  WORKER_LOST,
} from "@understudy/core";
import { writeFenced } from "@understudy/queue";
import type { Link, Route } from "@understudy/resilience";

import type { Ready } from "./receive.ts";
import type { Run } from "./run.ts";

/**
 * Writes the envelope in the middle of a run; false when the job's lock is lost or Redis refused. Starts stay unsettled until
 * the run ends: if this worker dies after the write, the next one knows that it did.
 */
export async function writeDown(envelope: Envelope, run: Run): Promise<boolean> {
  const { redis, family, fetched, observe } = run;
  try {
    return await writeFenced(redis, family, fetched.id, fetched.token, JSON.stringify(envelope));
  } catch (error) {
    // Unwritten is unsent: the job waits.
    observe({ event: "trouble", queue: family.name, error: asError(error) });
    return false;
  }
}

/**
 * The job's route, where copies are counted: a call that follows one of unknown fate, or a lost worker's, is made only once that
 * is written down. Else a worker lost in the second call would leave one lost start for two possible copies. What follows a
 * plain failure costs nothing.
 */
export function notingCopies({ route, envelope, life }: Ready, run: Run): Route {
  if (life.duplicates !== "tolerated") return route;
  const trail: Outcome[] = [];
  const last = envelope.trail.at(-1);
  const wasLost = last !== undefined && last.kind !== "delivered" && last.code === WORKER_LOST;
  const noting = (link: Link): Link => ({
    ...link,
    async adapter(request, call) {
      if (effectOf(trail) === "maybe" || (wasLost && trail.length === 0)) {
        const soFar = { ...envelope, trail: compact([...envelope.trail, ...trail]) };
        if (!(await writeDown(soFar, run))) return cut(link.provider, run.now());
      }
      const outcome = await link.adapter(request, call);
      trail.push(outcome);
      return outcome;
    },
  });
  return { ...route, links: route.links.map(noting) };
}

function cut(provider: string, at: number): Outcome<never> {
  return { kind: "withheld", code: INTERRUPTED, retryAfterMs: 0, provider, at, durationMs: 0 };
}
