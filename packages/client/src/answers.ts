import { type Before, fingerprint } from "@understudy/queue";

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

/**
 * The answer to one payload.
 * @param jobs one, or one for each sink
 * @param before what stood under the id of each
 */
export function answerTo(jobs: readonly Sealed[], queue: string, before: readonly Before[]): Enqueued {
  const answers = jobs.map((job, n) => answerToJob(job, queue, before[n]));
  const [first] = answers;
  if (first === undefined) throw new TypeError("each payload has a job");
  return jobs[0]?.sink === undefined ? first : together(jobs, answers, first);
}

function answerToJob({ id, idempotencyKey, data }: Sealed, queue: string, before: Before): Enqueued {
  const status =
    before === undefined
      ? "created"
      : fingerprintOf(before) === fingerprintOf(data)
        ? "duplicate"
        : "conflict";
  return { id, queue, status, idempotencyKey };
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

/** Of what was enqueued: the tombstones of dead letters say it, and envelopes where their payload is no longer that. */
function fingerprintOf(data: string): string | undefined {
  try {
    const value: unknown = JSON.parse(data);
    if (typeof value !== "object" || value === null) return undefined;
    if ("fingerprint" in value && typeof value.fingerprint === "string") return value.fingerprint;
    return "payload" in value ? fingerprint(value.payload) : undefined;
  } catch {
    return undefined;
  }
}
