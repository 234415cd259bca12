import type { AnyJob } from "@understudy/core";
import {
  isIndexWhole,
  mendIndex,
  openDeadLetters,
  pruneLetters,
  type Retention,
  returnStrays,
} from "@understudy/dead-letters";
import {
  countQueue,
  type Family,
  quarantine,
  readTotals,
  type Redis,
  registerFamily,
  suspects,
  type Suspect,
} from "@understudy/queue";

import type { Observe } from "./events.ts";

export interface UpkeepOptions {
  readonly redis: Redis;
  readonly family: Family;
  readonly jobs: readonly AnyJob[];
  readonly retention: Retention;
  readonly maxStalledCount: number;
  readonly observe: Observe;
  readonly now: () => number;
}

const DAY = 86_400_000;

/** How often a job may be lost beyond what BullMQ itself allows, before nobody believes any more that it can be run. */
const PATIENCE = 2;

/** One round of a family's janitor; any number of janitors may make it at once. */
export function createUpkeep(options: UpkeepOptions): () => Promise<void> {
  const { redis, family, observe } = options;
  const queue = family.name;
  const store = openDeadLetters(redis, family);
  let isRegistered = false;
  let wasWhole = true;
  let wasWithout = 0;
  return async () => {
    // What a bare BullMQ enqueued must be found by its id too.
    if (!isRegistered) await registerFamily(redis, family);
    isRegistered = true;
    await quarantineSuspects(options);
    const strays = await returnStrays(redis, family);
    if (strays > 0) observe({ event: "mended", queue, what: "strays", count: strays });
    const { inFlows } = await store.sweep();
    await prune(options);
    const isWhole = await isIndexWhole(redis, family);
    // A difference of one moment is somebody at work between two looks.
    if (!isWhole && !wasWhole) {
      const count = await mendIndex(redis, family);
      if (count > 0) observe({ event: "mended", queue, what: "index", count });
    }
    wasWhole = isWhole;
    wasWithout = await measure(options, inFlows, wasWithout);
  };
}

async function quarantineSuspects({
  redis,
  family,
  maxStalledCount,
  observe,
  now,
}: UpkeepOptions): Promise<void> {
  for (const suspect of await suspects(redis, family)) {
    const reason = whyItCannotRun(suspect, maxStalledCount + PATIENCE);
    if (reason === undefined) continue;
    if (await quarantine(redis, family, suspect, { reason, now: now() }))
      observe({ event: "quarantined", queue: family.name, jobId: suspect.id, reason });
  }
}

function whyItCannotRun({ stalls, data, givenUp }: Suspect, patience: number): string | undefined {
  if (givenUp !== undefined) return givenUp;
  if (Number(stalls) > patience)
    return `lost with its worker ${stalls} times: it would be taken up again and again`;
  try {
    JSON.parse(data);
    return undefined;
  } catch {
    return "lost with its worker, and its data is not JSON";
  }
}

async function prune({ redis, family, jobs, retention, observe, now }: UpkeepOptions): Promise<void> {
  const byName = new Map(jobs.map((job) => [job.name, job]));
  const pruned = await pruneLetters(redis, family, {
    ...retention,
    now: now(),
    // Money of unknown fate is settled by a person, and not by time.
    isKept: ({ effect, job }) =>
      effect === "maybe" && (byName.get(job)?.capability.duplicates ?? "forbidden") === "forbidden",
    absorbMs: ({ job }) => byName.get(job)?.keepCompletedMs ?? DAY,
  });
  if (pruned.age + pruned.letters + pruned.bytes > 0)
    observe({ event: "pruned", queue: family.name, ...pruned });
}

/**
 * @param wasWithout how many had failed and were no dead letters at the round before: what fails in between is on its way
 * @returns how many there are now
 */
async function measure(
  { redis, family, observe, now }: UpkeepOptions,
  inFlows: number,
  wasWithout: number,
): Promise<number> {
  const [counts, totals] = await Promise.all([countQueue(redis, family), readTotals(redis, family)]);
  const age = (since: number | undefined): number => (since === undefined ? 0 : Math.max(0, now() - since));
  const without = Math.max(0, counts.failed - inFlows);
  observe({
    event: "measured",
    queue: family.name,
    waiting: counts.waiting,
    delayed: counts.delayed,
    active: counts.active,
    isPaused: counts.isPaused,
    oldestWaitingMs: age(counts.oldestWaitingAt),
    dead: counts.dead,
    deadBytes: totals["bytes"] ?? 0,
    oldestDeadMs: age(counts.oldestDeadAt),
    failedInFlows: inFlows,
    failedWithoutLetter: Math.min(wasWithout, without),
  });
  return without;
}
