import { type Failure, type FailureKind, INTERRUPTED } from "@understudy/core";
import * as z from "zod";

import type { Carried } from "./carry.ts";
import { retryAfterMs } from "./retry-after.ts";
import type { Answered, Lost } from "./transport.ts";

/** What a status means, if the body or the headers look as asked. The first rule that fits decides. */
export interface StatusRule {
  readonly status: number;
  readonly body?: RegExp;
  readonly ifRetryAfter?: true;
  readonly kind: Exclude<FailureKind, "withheld">;
  readonly code: string;
}

/** How one vendor says no. */
export interface Refusals {
  /** Where its documentation says otherwise than the general table. */
  readonly rules: readonly StatusRule[];
  /** Its documented error body, as JSON. A refusal in any other may be that of a proxy, which has not read the request. */
  readonly body: z.ZodType;
}

/** For every provider, after its own rules. A status that is not here is ambiguous. */
const general: readonly StatusRule[] = [
  { status: 400, kind: "rejected", code: "http_400" },
  { status: 401, kind: "unavailable", code: "unauthorized" },
  { status: 403, kind: "unavailable", code: "forbidden" },
  // The address or the manner of asking is wrong, which is configuration: another provider may well deliver.
  { status: 404, kind: "unavailable", code: "misconfigured" },
  { status: 405, kind: "unavailable", code: "misconfigured" },
  // Each vendor has its own limit: another one may take it.
  { status: 413, kind: "unavailable", code: "too_large" },
  { status: 415, kind: "unavailable", code: "misconfigured" },
  { status: 422, kind: "rejected", code: "http_422" },
  { status: 429, kind: "throttled", code: "rate_limited" },
  { status: 503, ifRetryAfter: true, kind: "unavailable", code: "http_503" },
];

/** The failure that a carried call amounts to, when it was not the vendor's documented success. `detail` is still raw. */
export function failureOf(carried: Carried, signal: AbortSignal, refusals: Refusals): Failure {
  const { reply } = carried;
  if (reply === undefined) return unsent(carried, signal);
  return reply.at === "lost" ? failureOfLost(reply, signal) : failureOfAnswer(reply, refusals);
}

/** An SDK that refuses to build the request says that the request is wrong; it has sent nothing. */
function unsent({ requests, threw }: Carried, signal: AbortSignal): Failure {
  const isUnderWay = requests > 0;
  if (signal.aborted) return aborted(isUnderWay, signal);
  // An SDK that does not wait for its answer.
  if (isUnderWay) return { kind: "ambiguous", code: "adapter_threw", detail: String(threw) };
  return {
    kind: "rejected",
    code: "request_unbuildable",
    detail: threw instanceof Error ? threw.message : "The SDK sent nothing.",
  };
}

function failureOfLost(lost: Lost, signal: AbortSignal): Failure {
  const detail = lost.status === undefined ? lost.code : `HTTP ${lost.status}, then ${lost.code}`;
  if (signal.aborted) return { ...aborted(lost.sent, signal), detail };
  if (!lost.sent) return { kind: "unavailable", code: "connect_failed", detail };
  return { kind: "ambiguous", code: lost.answered ? "malformed_answer" : "connection_lost", detail };
}

/** A deadline is the provider's failure; any other reason is ours, and says nothing about it. */
export function aborted(sent: boolean, signal: AbortSignal): Failure {
  const isDeadline = signal.reason instanceof Error && signal.reason.name === "TimeoutError";
  if (sent) return { kind: "ambiguous", code: isDeadline ? "timeout" : INTERRUPTED };
  return isDeadline ? { kind: "unavailable", code: "timeout" } : { kind: "withheld", code: INTERRUPTED };
}

function failureOfAnswer(answer: Answered, { rules, body: documented }: Refusals): Failure {
  const body = answer.body.toString("utf8", 0, 8192);
  // Of the whole of it: where it is cut, half of a secret would not be known as one.
  const detail = wordsOf(answer.body.toString()) ?? `HTTP ${answer.status}`;
  const malformed = {
    kind: "ambiguous",
    code: "malformed_answer",
    detail: `HTTP ${answer.status}: ${detail}`,
  } as const;
  if (answer.status >= 200 && answer.status < 300) return malformed;
  const rule = find(rules, answer, body) ?? find(general, answer, body);
  if (rule === undefined) return { kind: "ambiguous", code: `http_${answer.status}`, detail };
  if (rule.kind === "rejected" && !documented.safeParse(parseJson(answer.body.toString())).success)
    return malformed;
  const wait = mayWait(rule) ? retryAfterMs(answer.headers, body, Date.now()) : undefined;
  return { kind: rule.kind, code: rule.code, detail, ...(wait !== undefined && { retryAfterMs: wait }) };
}

/** Quota headers come with every answer; they say when to come back only where a limit or a pause was the answer. */
function mayWait({ kind, status }: StatusRule): boolean {
  return kind === "throttled" || status === 503;
}

function find(rules: readonly StatusRule[], answer: Answered, body: string): StatusRule | undefined {
  return rules.find(
    (rule) =>
      rule.status === answer.status &&
      (rule.body?.test(body) ?? true) &&
      (rule.ifRetryAfter === undefined || answer.headers["retry-after"] !== undefined),
  );
}

const errorBody = z.union([
  z.object({ message: z.string() }).transform(({ message }) => message),
  z
    .object({ errors: z.array(z.object({ message: z.string(), field: z.string().nullish() })).min(1) })
    .transform(({ errors }) => errors.map(({ field, message }) => `${field ?? ""} ${message}`).join("; ")),
]);

/** What a vendor's error body says: its message or messages; else its first words. */
function wordsOf(body: string): string | undefined {
  const words = errorBody.safeParse(parseJson(body)).data ?? body.replaceAll(/<[^>]*>/gu, " ");
  return words.trim() === "" ? undefined : words;
}

/** Undefined when it is not JSON. */
export function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
