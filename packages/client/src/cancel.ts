import { setTimeout as sleep } from "node:timers/promises";

import { effectOfLife, openEnvelope, UnderstudyError } from "@understudy/core";
import { askToCancel, cancelWaiting, familyOf, locate, type Redis } from "@understudy/queue";

import { type JobStatus, readStatus } from "./status.ts";

export interface CancelAnswer {
  /**
   * `cancelled`: it will not run again; `status.dead.effect` says whether it may have had its effect all the same.
   * `too_late`: it had ended before, or was cancelled for another reason. `asked`: it still runs, and its worker has been asked to stop it.
   * `absent`: no such job.
   */
  readonly answer: "cancelled" | "too_late" | "asked" | "absent";
  readonly status: JobStatus;
}

interface CancelOptions {
  readonly namespace: string | undefined;
  /** For people; stands in the dead letter. */
  readonly reason: string;
  /** How long to wait for a running job to stop. */
  readonly patienceMs: number;
}

const ASK_AGAIN_MS = 50;

/** Cancels a job wherever it is: one that waits dies at once, one that runs is stopped by its worker. */
export async function cancelJob(
  redis: Redis,
  id: string,
  { namespace, reason, patienceMs }: CancelOptions,
): Promise<CancelAnswer> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const status = await readStatus(redis, id, namespace);
    if (status.queue === undefined) return { answer: "absent", status };
    if (status.state === "completed") return { answer: "too_late", status };
    if (status.state === "dead") return { answer: isOurs(status, reason) ? "cancelled" : "too_late", status };
    if (performance.now() > deadline) return { answer: "asked", status };
    if (status.state === "active") {
      await askToCancel(redis, familyOf(status.queue, namespace), { id, reason });
      await sleep(ASK_AGAIN_MS);
    } else if (!(await endWaiting(redis, id, status.queue, namespace, reason))) await sleep(ASK_AGAIN_MS);
  }
}

/** By its reason, for an answer may have been lost on the way: asked again, the same question has the same answer. */
function isOurs({ dead }: JobStatus, reason: string): boolean {
  return dead?.cause === "cancelled" && dead.reason === failedReasonOf(reason);
}

function failedReasonOf(reason: string): string {
  return `cancelled: ${reason}`;
}

async function endWaiting(
  redis: Redis,
  id: string,
  queue: string,
  namespace: string | undefined,
  reason: string,
): Promise<boolean> {
  const family = familyOf(queue, namespace);
  const { data, starts = "0" } = await locate(redis, family, id);
  const opened = openEnvelope(parse(data));
  if (data === undefined) return false;
  if (opened.at !== "open") {
    throw new UnderstudyError(
      "option_invalid",
      `${id} was not made by this release and cannot be cancelled by it.`,
    );
  }
  // It has not begun its life, and the one after it is made only when it begins.
  if (opened.envelope.schedule !== undefined && opened.envelope.lifeStartedAt === 0) {
    throw new UnderstudyError(
      "option_invalid",
      `${id} is the next job of the schedule ${opened.envelope.schedule}; take the schedule away with unschedule instead.`,
    );
  }
  const now = Date.now();
  const ended = {
    cause: "cancelled",
    effect: effectOfLife(opened, Number(starts) - opened.envelope.startsSettled),
    reason,
    at: now,
  } as const;
  const { lookUp: _, ...envelope } = opened.envelope;
  const cancelled = JSON.stringify({ ...envelope, ended });
  return await cancelWaiting(redis, family, {
    id,
    data,
    starts,
    cancelled,
    reason: failedReasonOf(reason),
    now,
  });
}

function parse(json: string | undefined): unknown {
  try {
    return json === undefined ? undefined : JSON.parse(json);
  } catch {
    return undefined;
  }
}
