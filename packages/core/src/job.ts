import type * as z from "zod";

import type { Capability, RequestOf } from "./capability.ts";
import { describeIssues, UnderstudyError } from "./errors.ts";
import type { RetryPolicy } from "./retry.ts";
import { safeParse } from "./safe-parse.ts";

/** A job is data: a schema, a pure mapping to one capability's request, and a policy. */
export interface JobDefinition<
  Name extends string = string,
  Payload extends z.ZodType = z.ZodType,
  C extends Capability = Capability,
> {
  /** The wire name; never reused for anything else. Kebab-case. */
  readonly name: Name;
  /** The job family whose queue carries it: email, payments, analytics … */
  readonly queue: string;
  readonly payload: Payload;
  readonly capability: C;
  /** Another job that must have completed first. */
  readonly after?: After<z.output<Payload>>;
  /** Pure: the same payload always makes the same request. `earlier` is what came of the job it comes after, if of any. */
  toRequest(payload: z.output<Payload>, earlier?: Earlier): RequestOf<C>;
  readonly retry: RetryPolicy;
  /** From the start of a life until the job is worthless; bounds snoozing and retries. */
  readonly maxAgeMs: number;
  /** How long the receipt stays at least: the window in which a repeated enqueue is absorbed. The longest of a queue is that of all. */
  readonly keepCompletedMs: number;
  /** Where duplicates are tolerated: what to do when nobody knows whether a call had its effect. Default "resend". */
  readonly onUnknown?: "resend" | "hold";
  /** How many copies an unknown fate may cost in all. Default 2. */
  readonly maxPossibleCopies?: number;
  /** Payload paths ("to", "user.email") never shown in logs, board or traces. */
  readonly sensitive?: readonly string[];
}

export interface After<Payload> {
  /** The id of the job, of the same queue; undefined when this payload waits for none. */
  job(payload: Payload): string | undefined;
  /** What about it makes this job pointless, in words that follow its name; undefined when nothing does. */
  objection(payload: Payload, earlier: Earlier): string | undefined;
}

/** What came of a job that completed. */
// The receipt is that of whichever job is named; only whoever names it knows which.
export interface Earlier<Receipt = any> {
  readonly provider: string;
  readonly receipt: Receipt;
}

// Catalogues hold jobs of every payload; only `any` lets their parameter types vary.
export type AnyJob = JobDefinition<string, any, any>;
/** What a producer hands over. */
export type PayloadOf<J extends AnyJob> = z.input<J["payload"]>;
export type JobPolicy = Pick<AnyJob, "retry" | "maxAgeMs" | "onUnknown" | "maxPossibleCopies">;

/** How many copies the job's policy lets exist where duplicates are tolerated and the fate of one is unknown. */
export function copiesAllowed({ onUnknown, maxPossibleCopies = 2 }: JobPolicy): number {
  return onUnknown === "hold" ? 1 : maxPossibleCopies;
}

const second = 1000;
const hour = 3600 * second;

/** The policy of a job that says nothing else. docs/internals.md explains each figure. */
export const defaultPolicy = {
  retry: { attempts: 8, baseMs: second, maxMs: 300 * second },
  maxAgeMs: 24 * hour,
  keepCompletedMs: 24 * hour,
} as const;

const wireName = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/u;

/** Makes a job of its parts; what is left out comes from `defaultPolicy`. @throws UnderstudyError job_invalid */
export function defineJob<const Name extends string, Payload extends z.ZodType, C extends Capability>(
  job: Omit<JobDefinition<Name, Payload, C>, "retry" | "maxAgeMs" | "keepCompletedMs"> &
    Partial<Pick<JobDefinition, "retry" | "maxAgeMs" | "keepCompletedMs">>,
): JobDefinition<Name, Payload, C> {
  const problem = problemOf({ ...defaultPolicy, ...job });
  if (problem !== undefined) throw new UnderstudyError("job_invalid", `Job "${job.name}": ${problem}`);
  return { ...defaultPolicy, ...job };
}

function problemOf(
  job: Pick<AnyJob, "name" | "queue" | "retry" | "maxAgeMs" | "keepCompletedMs">,
): string | undefined {
  if (!wireName.test(job.name)) return "the name must be kebab-case, such as welcome-email.";
  if (!wireName.test(job.queue)) return `the queue "${job.queue}" must be kebab-case, such as email.`;
  if (!(Number.isInteger(job.retry.attempts) && job.retry.attempts >= 1))
    return "retry.attempts must be at least 1.";
  if (!(job.retry.baseMs > 0 && job.retry.maxMs >= job.retry.baseMs))
    return "retry needs 0 < baseMs <= maxMs.";
  if (!(job.maxAgeMs > 0 && job.keepCompletedMs > 0)) return "maxAgeMs and keepCompletedMs must be above 0.";
  return undefined;
}

export type Requested<C extends Capability = Capability> =
  | { readonly ok: true; readonly request: RequestOf<C> }
  /** Names the paths that are wrong, never the values. */
  | { readonly ok: false; readonly problem: string };

/**
 * What is wrong with a payload, found before it is stored; undefined when nothing is. What comes of the job that it waits for
 * cannot be known yet.
 */
export function problemWith(job: AnyJob, payload: unknown): string | undefined {
  const parsed = safeParse(job.payload, payload);
  return parsed.success ? problemWithParsed(job, parsed.data) : describeIssues(parsed.error);
}

/** @param payload as the job's schema makes it */
export function problemWithParsed(job: AnyJob, payload: unknown): string | undefined {
  if (job.after?.job(payload) !== undefined) return undefined;
  const requested = requestOfParsed(job, payload, undefined);
  return requested.ok ? undefined : requested.problem;
}

/** The way from a payload as it came over the wire to the capability's request; the producer tries it, the worker takes it. */
export function requestOf<J extends AnyJob>(
  job: J,
  payload: unknown,
  earlier?: Earlier,
): Requested<J["capability"]> {
  const parsed = safeParse(job.payload, payload);
  if (!parsed.success) return { ok: false, problem: describeIssues(parsed.error) };
  return requestOfParsed(job, parsed.data, earlier);
}

function requestOfParsed<J extends AnyJob>(
  job: J,
  payload: unknown,
  earlier: Earlier | undefined,
): Requested<J["capability"]> {
  try {
    const made = job.toRequest(payload, earlier);
    // Where the payload is the request it was checked as such.
    if (made === payload && job.payload === job.capability.request)
      return { ok: true, request: made as RequestOf<J["capability"]> };
    const request = safeParse(job.capability.request, made);
    if (request.success) return { ok: true, request: request.data };
    return {
      ok: false,
      problem: `makes no ${job.capability.name} request: ${describeIssues(request.error)}`,
    };
  } catch (error) {
    const name = error instanceof Error ? error.name : typeof error;
    return { ok: false, problem: `toRequest of ${job.name} threw ${name}` };
  }
}
