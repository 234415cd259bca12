import {
  type Cause,
  type Effect,
  effectOfLife,
  type Ending,
  openEnvelope,
  type Opened,
} from "@understudy/core";
import { type FailedJob, fingerprint, type GroupOf } from "@understudy/queue";

import { groupOf } from "./facets.ts";

/** Why and when a job died. It stands beside the job's own data, which keeps the whole trail. */
export interface DeadLetter {
  readonly v: 1;
  readonly queue: string;
  readonly job: string;
  readonly cause: Cause;
  readonly effect: Exclude<Effect, "done">;
  /** One sentence for people. */
  readonly reason: string;
  readonly attempts: number;
  /** Epoch milliseconds. */
  readonly enqueuedAt?: number;
  readonly diedAt: number;
}

/** Makes the letter from what Redis holds, so that whoever moves the job writes the same one. */
export function letterOf(
  queue: string,
  job: FailedJob,
): {
  readonly letter: DeadLetter;
  readonly fingerprint?: string;
  readonly isJson: boolean;
  readonly index: GroupOf;
} {
  const { isJson, opened } = read(job.data);
  const envelope = opened.at === "open" ? opened.envelope : undefined;
  const ending = envelope?.ended ?? unexplained(job, opened);
  const letter: DeadLetter = {
    v: 1,
    queue,
    job: job.name,
    cause: ending.cause,
    effect: ending.effect,
    reason: job.failedReason,
    attempts: envelope?.attempt ?? job.starts,
    diedAt: job.diedAt,
    ...(envelope === undefined ? {} : { enqueuedAt: envelope.enqueuedAt }),
  };
  const index = groupOf(letter, envelope?.trail ?? []);
  const own = envelope && (envelope.fingerprint ?? fingerprint(envelope.payload));
  return { letter, isJson, index, ...(own === undefined ? {} : { fingerprint: own }) };
}

function read(data: string): { readonly isJson: boolean; readonly opened: Opened } {
  try {
    return { isJson: true, opened: openEnvelope(JSON.parse(data)) };
  } catch {
    // What cannot even be parsed may have been one of ours.
    return { isJson: false, opened: { at: "foreign", problem: "not JSON", wasOurs: data !== "" } };
  }
}

/** BullMQ failed the job without our code deciding: it was lost with its worker too often, or it is not ours. */
function unexplained(job: FailedJob, opened: Opened): Pick<Ending, "cause" | "effect"> {
  const lostStarts = opened.at === "open" ? job.starts - opened.envelope.startsSettled : 0;
  return { cause: opened.at === "foreign" ? "invalid" : "stalled", effect: effectOfLife(opened, lostStarts) };
}

/** Undefined when it is not one of ours, or its payload was not JSON. */
export function readLetter(
  data: string,
): { readonly letter: DeadLetter; readonly payload: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(data);
    if (typeof value !== "object" || value === null || !("deadLetter" in value)) return undefined;
    const payload = "payload" in value ? value.payload : "raw" in value ? value.raw : undefined;
    // Written by `letterOf` alone, which is parsed here again and not trusted beyond its version.
    const letter = value.deadLetter as DeadLetter;
    return letter.v === 1 ? { letter, payload } : undefined;
  } catch {
    return undefined;
  }
}
