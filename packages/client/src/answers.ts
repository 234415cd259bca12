import type { Before } from "@understudy/queue";

import type { Sealed } from "./seal.ts";

export interface Enqueued {
  readonly id: string;
  readonly queue: string;
  /** `duplicate`: this key with this payload is already known. `conflict`: this key came with another payload; nothing was changed. */
  readonly status: "created" | "duplicate" | "conflict";
  readonly idempotencyKey: string;
  /** Where the job goes to sinks: the job of each, which is what `status` and `cancel` take. The id above is what theirs begin with. */
  readonly sinks?: readonly (Omit<Enqueued, "sinks"> & { readonly sink: string })[];
}

/** @param before what stood under the job's id */
export function answerTo(job: Sealed, queue: string, before: Before): Enqueued {
  const status =
    before === undefined ? "created" : fingerprintOf(before) === job.fingerprint ? "duplicate" : "conflict";
  return { id: job.id, queue, status, idempotencyKey: job.idempotencyKey };
}

/** One answer for each payload. @param answers to all jobs, in order */
export function grouped(
  groups: readonly (readonly Sealed[])[],
  answers: readonly Enqueued[],
): readonly Enqueued[] {
  let start = 0;
  return groups.map((jobs) => {
    const own = answers.slice(start, (start += jobs.length));
    const [first] = own;
    if (first === undefined) throw new TypeError("each payload has a job");
    return jobs[0]?.sink === undefined ? first : together(jobs, own, first);
  });
}

function together(jobs: readonly Sealed[], answers: readonly Enqueued[], first: Enqueued): Enqueued {
  const sinks = answers.map((answer, i) => ({ ...answer, sink: jobs[i]?.sink ?? "" }));
  const has = (status: Enqueued["status"]): boolean => answers.some((answer) => answer.status === status);
  return {
    ...first,
    id: first.id.slice(0, -`-${jobs[0]?.sink ?? ""}`.length),
    status: has("conflict") ? "conflict" : has("created") ? "created" : "duplicate",
    sinks,
  };
}

/** Envelopes and the tombstones of dead letters both carry the fingerprint of what was enqueued. */
function fingerprintOf(data: string): string | undefined {
  try {
    const value: unknown = JSON.parse(data);
    const print =
      typeof value === "object" && value !== null && "fingerprint" in value ? value.fingerprint : undefined;
    return typeof print === "string" ? print : undefined;
  } catch {
    return undefined;
  }
}
