import * as z from "zod";

import { describeIssues } from "./errors.ts";
import type { Binding } from "./life.ts";
import { effectOf, type Trail, trailSchema } from "./outcome.ts";
import { type Ending, endingSchema, type Past, pastSchema } from "./past.ts";
import { traceparentShape } from "./traceparent.ts";

export const ENVELOPE_VERSION = 1;

/** What travels through Redis as a BullMQ job's data. Written only together with the move it belongs to. */
export interface Envelope {
  readonly v: typeof ENVELOPE_VERSION;
  readonly payload: unknown;
  /**
   * Of the payload as it was enqueued, which tells a repeated enqueue from a conflicting one; where the payload is still that one,
   * it is that of the payload here.
   */
  readonly fingerprint?: string;
  /** Absent where the producer gave none: the job's id is made of a random one. */
  readonly idempotencyKey?: string;
  /** Epoch milliseconds, as all times here. */
  readonly enqueuedAt: number;
  /** When the job was first due; a redrive starts it anew. `maxAgeMs` counts from it. */
  readonly lifeStartedAt: number;
  /** 1 for the first life of a job under its key. */
  readonly generation: number;
  /** Attempts spent. */
  readonly attempt: number;
  /** BullMQ starts that ended in a settling write. Fewer than BullMQ counted: a worker was lost in between. */
  readonly startsSettled: number;
  readonly trail: Trail;
  readonly bound?: Binding;
  /** The schedule that makes such jobs: when this one is due stands in its id, until it first runs. */
  readonly schedule?: string;
  /** How often a person has put this job back from the dead letters. */
  readonly redrives?: number;
  /** What people did to it between its lives, the oldest first. */
  readonly past?: readonly Past[];
  /** Its payload was edited since its last life: the next one is another request, under another key. */
  readonly isEdited?: true;
  /** Possible copies that people have allowed beyond the job's own limit. */
  readonly grantedCopies?: number;
  /** Only these providers may serve this job. */
  readonly providers?: readonly string[];
  /** When it should be done, epoch milliseconds; see `DeliveryContext` of failover. It is still done when that has passed. */
  readonly deliverBy?: number;
  /** For this life a person has chosen one of them. */
  readonly chosen?: string;
  /** Only this part of the payload's request, such as one recipient: the rest was delivered by another job. */
  readonly only?: string;
  /** W3C Trace Context: the span that enqueued the job, or whose run began its trace. One that is broken is read as absent. */
  readonly traceparent?: string;
  readonly ended?: Ending;
  /** A person wants it looked up whether its effect has happened, and nothing else done; this is how its life had ended. */
  readonly lookUp?: Ending;
}

const time = z.number().nonnegative();
const count = z.int().nonnegative();

export const envelopeSchema: z.ZodType<Envelope> = z.object({
  v: z.literal(ENVELOPE_VERSION),
  payload: z.unknown(),
  fingerprint: z.string().optional(),
  idempotencyKey: z.string().min(1).optional(),
  enqueuedAt: time,
  lifeStartedAt: time,
  generation: z.int().positive(),
  attempt: count,
  startsSettled: count,
  trail: trailSchema,
  bound: z.object({ provider: z.string(), firstSentAt: time, account: z.string().optional() }).optional(),
  schedule: z.string().optional(),
  redrives: z.int().positive().optional(),
  past: z.array(pastSchema).optional(),
  isEdited: z.literal(true).optional(),
  grantedCopies: count.optional(),
  providers: z.array(z.string()).optional(),
  deliverBy: time.optional(),
  chosen: z.string().optional(),
  only: z.string().optional(),
  traceparent: z.string().regex(traceparentShape).optional().catch(undefined),
  ended: endingSchema.optional(),
  lookUp: endingSchema.optional(),
}) as z.ZodType<Envelope>;

/** What goes without saying of a job that has not begun: one that waits takes a third less of Redis' memory for it. */
export const unsaid = { generation: 1, attempt: 0, startsSettled: 0, trail: [] } as const;

/** As a job that has not begun is stored. */
export type NewEnvelope = Pick<
  Envelope,
  "v" | "payload" | "idempotencyKey" | "enqueuedAt" | "providers" | "deliverBy" | "traceparent"
> & {
  /** When the job was enqueued, where absent. */
  readonly lifeStartedAt?: number;
};

/** The only providers that may serve the job in this life; undefined when any may. */
export function allowedBy({
  chosen,
  providers,
}: Pick<Envelope, "chosen" | "providers">): readonly string[] | undefined {
  return chosen === undefined ? providers : [chosen];
}

export type Opened =
  | { readonly at: "open"; readonly envelope: Envelope }
  /** Written by a newer release: leave it to a newer worker. */
  | { readonly at: "newer"; readonly version: number }
  /** Not an envelope, or one that is damaged; `problem` names the fields, never their values. */
  | { readonly at: "foreign"; readonly problem: string; readonly wasOurs: boolean };

export function openEnvelope(data: unknown): Opened {
  const version = typeof data === "object" && data !== null && "v" in data ? data.v : undefined;
  const wasOurs = version !== undefined;
  if (typeof version === "number" && version > ENVELOPE_VERSION) return { at: "newer", version };
  if (isNew(data)) return { at: "open", envelope: { lifeStartedAt: data.enqueuedAt, ...unsaid, ...data } };
  const parsed = envelopeSchema.safeParse(withUnsaid(data));
  if (parsed.success) return { at: "open", envelope: parsed.data };
  return { at: "foreign", problem: describeIssues(parsed.error), wasOurs };
}

/**
 * Whether it is what most envelopes are: one that says nothing but what a producer puts into it without further wishes. The schema would
 * say so too, in many times the time.
 */
function isNew(data: unknown): data is NewEnvelope {
  if (typeof data !== "object" || data === null) return false;
  if (!("v" in data && "payload" in data && "enqueuedAt" in data)) return false;
  for (const [field, value] of Object.entries(data)) {
    switch (field) {
      case "v":
        if (value !== ENVELOPE_VERSION) return false;
        break;
      case "enqueuedAt":
      case "lifeStartedAt":
        if (typeof value !== "number" || !(value >= 0 && value < Infinity)) return false;
        break;
      case "idempotencyKey":
        if (typeof value !== "string" || value === "") return false;
        break;
      case "providers":
        if (!Array.isArray(value) || value.some((one) => typeof one !== "string")) return false;
        break;
      case "traceparent":
        if (typeof value !== "string" || !traceparentShape.test(value)) return false;
        break;
      case "payload":
        break;
      default:
        return false;
    }
  }
  return true;
}

/** All of it or nothing: what lacks a part only is damaged, and may have done anything. */
function withUnsaid(data: unknown): unknown {
  if (typeof data !== "object" || data === null || !("enqueuedAt" in data)) return data;
  if (Object.keys(unsaid).some((field) => field in data)) return data;
  return { lifeStartedAt: data.enqueuedAt, ...unsaid, ...data };
}

/**
 * What may have happened outside in a life that ends without another call. What cannot be read may hold anything: only data
 * that never was ours has surely had no effect.
 * @param lostStarts starts that no settling write has seen
 */
export function effectOfLife(opened: Opened, lostStarts: number): "none" | "maybe" {
  if (opened.at === "newer") return "maybe";
  if (opened.at === "foreign") return opened.wasOurs ? "maybe" : "none";
  return lostStarts > 0 || effectOf(opened.envelope.trail) !== "none" ? "maybe" : "none";
}
