import { type Cause, type Ending, type Envelope, openEnvelope, type Trail } from "@understudy/core";
import { knownFamilies, locate, type Located, type Redis } from "@understudy/queue";

/** Where a job is and what became of it. Holds no payload. */
export interface JobStatus {
  readonly id: string;
  /** `absent`: never enqueued, or completed so long ago that it is forgotten. */
  readonly state: "waiting" | "delayed" | "active" | "completed" | "dead" | "absent";
  readonly queue?: string;
  readonly job?: string;
  /** Attempts spent. */
  readonly attempts?: number;
  /** What the providers answered so far, over the job's whole life. */
  readonly trail?: Trail;
  /** Of a completed job. */
  readonly receipt?: unknown;
  /** Of a dead one: why, and whether it may have had its effect all the same. */
  readonly dead?: { readonly cause?: Cause; readonly effect?: "none" | "maybe"; readonly reason: string };
}

export async function readStatus(
  redis: Redis,
  id: string,
  namespace: string | undefined,
): Promise<JobStatus> {
  for (const family of await knownFamilies(redis, namespace)) {
    const located = await locate(redis, family, id);
    if (located.place !== "absent") return statusOf(id, family.name, located);
  }
  return { id, state: "absent" };
}

function statusOf(
  id: string,
  queue: string,
  { place, name = "", data, returnValue, failedReason = "" }: Located,
): JobStatus {
  // A failed job is a dead letter that nobody has moved yet.
  const state = place === "failed" ? "dead" : place;
  const envelope = envelopeIn(data);
  return {
    id,
    queue,
    job: name,
    state,
    ...(envelope === undefined ? {} : { attempts: envelope.attempt, trail: envelope.trail }),
    ...(state === "completed" ? { receipt: parse(returnValue) } : {}),
    ...(state === "dead" ? { dead: { ...endingOf(data, envelope), reason: failedReason } } : {}),
  };
}

/** A dead letter says it of all; a failed job only when its run ended it, and BullMQ did not. */
function endingOf(
  data: string | undefined,
  envelope: Envelope | undefined,
): Pick<NonNullable<JobStatus["dead"]>, "cause" | "effect"> {
  const value = parse(data);
  const letter = isLetter(value) ? (value.deadLetter as Partial<Ending>) : undefined;
  const { cause, effect } = letter ?? envelope?.ended ?? {};
  return { ...(cause === undefined ? {} : { cause }), ...(effect === undefined ? {} : { effect }) };
}

function isLetter(value: unknown): value is { readonly deadLetter: unknown; readonly payload?: unknown } {
  return typeof value === "object" && value !== null && "deadLetter" in value;
}

/** The data of a job is its envelope; of a dead letter it is wrapped. */
function envelopeIn(data: string | undefined): Envelope | undefined {
  const value = parse(data);
  const opened = openEnvelope(isLetter(value) ? value.payload : value);
  return opened.at === "open" ? opened.envelope : undefined;
}

function parse(json: string | undefined): unknown {
  try {
    return json === undefined ? undefined : JSON.parse(json);
  } catch {
    return undefined;
  }
}
