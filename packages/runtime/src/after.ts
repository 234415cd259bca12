import {
  type AnyJob,
  type Earlier,
  effectOfLife,
  type Envelope,
  openEnvelope,
  type Verdict,
} from "@understudy/core";
import { readLetter } from "@understudy/dead-letters";
import type { Located } from "@understudy/queue";

import type { Catalogue } from "./catalogue.ts";

/** Looks at another job of the same queue. */
export type FindJob = (id: string) => Promise<Located>;

type Precondition =
  | { readonly at: "met"; readonly earlier: Earlier | undefined }
  | { readonly at: "waits"; readonly verdict: Verdict<never>; readonly reason: string };

/** Of a job that comes after no other. */
export const NOT_AFTER: Precondition = { at: "met", earlier: undefined };

/** How long to wait before the other job is looked at again. */
const AGAIN_MS = 5000;
/** The other one may be enqueued a little later than this one; after that its id is wrong, or it is long forgotten. */
const ABSENT_MS = 60_000;

/** What came of the job that this one comes after: it waits for that, and is pointless when it ended without success. */
export async function whatCameOf(
  job: AnyJob,
  envelope: Envelope,
  find: FindJob,
  catalogue: Catalogue,
  now: number,
): Promise<Precondition> {
  const { after } = job;
  const parsed = after && job.payload.safeParse(envelope.payload);
  // A payload that is wrong is told as such by whoever makes the request of it.
  if (after === undefined || !parsed?.success) return NOT_AFTER;
  const payload: unknown = parsed.data;
  const id = after.job(payload);
  if (id === undefined) return NOT_AFTER;

  const rejected = (reason: string): Precondition => ({ at: "waits", verdict: rejection(envelope), reason });
  const located = await find(id).catch(() => undefined);
  if (located === undefined) return wait(`${id} cannot be looked at now`);
  switch (located.place) {
    case "completed": {
      const earlier = earlierOf(located, catalogue);
      if (earlier === undefined) return rejected(`the job ${id} left no receipt that this worker can read`);
      const objection = after.objection(payload, earlier);
      return objection === undefined ? { at: "met", earlier } : rejected(`the job ${id} ${objection}`);
    }
    case "dead":
      return readLetter(located.data ?? "")?.letter.effect === "none"
        ? rejected(`the job ${id} ended without success`)
        : wait(`the fate of ${id} is unknown`);
    case "absent":
      return now < envelope.lifeStartedAt + ABSENT_MS
        ? wait(`there is no job ${id} yet`)
        : rejected(
            `there is no job ${id}: its id is wrong, or it completed so long ago that it is forgotten`,
          );
    case "waiting":
    case "delayed":
    case "active":
    case "failed":
      return wait(`the job ${id} has not ended`);
  }
}

function wait(reason: string): Precondition {
  return { at: "waits", verdict: { kind: "snooze", delayMs: AGAIN_MS }, reason };
}

/** What this job itself did before stays as unknown as it was. */
function rejection(envelope: Envelope): Verdict<never> {
  const effect = effectOfLife({ at: "open", envelope }, 0);
  return { kind: "dead_letter", cause: effect === "none" ? "rejected" : "ambiguous", effect };
}

function earlierOf({ name = "", data, returnValue }: Located, catalogue: Catalogue): Earlier | undefined {
  const opened = openEnvelope(parse(data));
  const delivered =
    opened.at === "open" && opened.envelope.trail.findLast(({ kind }) => kind === "delivered");
  const receipt = catalogue.find(name)?.job.capability.receipt.safeParse(parse(returnValue));
  return delivered && receipt?.success ? { provider: delivered.provider, receipt: receipt.data } : undefined;
}

function parse(json: string | undefined): unknown {
  try {
    return json === undefined ? undefined : JSON.parse(json);
  } catch {
    return undefined;
  }
}
