import type { Failure, FailureKind } from "@understudy/core";
import * as z from "zod";

import type { Carried } from "../transport/carry.ts";
import { failureOf as generalFailureOf, parseJson, type StatusRule } from "../transport/classify.ts";
import type { Answered } from "../transport/transport.ts";

interface NameRule {
  /** How AWS calls the error; its kinds of spelling ("…Exception", "…Error") are one. */
  readonly name: RegExp;
  readonly words?: RegExp;
  readonly kind: Exclude<FailureKind, "withheld">;
  readonly code: string;
}

/**
 * https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html#API_SendEmail_Errors, and the errors that all of
 * AWS shares: https://docs.aws.amazon.com/ses/latest/APIReference-V2/CommonErrors.html. The first rule that fits decides.
 */
const rules: readonly NameRule[] = [
  {
    name: /^(?:TooManyRequests|Throttling|LimitExceeded)$/u,
    words: /daily .*quota/iu,
    kind: "throttled",
    code: "quota_exceeded",
  },
  { name: /^(?:TooManyRequests|Throttling|RequestThrottled)$/u, kind: "throttled", code: "rate_limited" },
  { name: /^LimitExceeded$/u, kind: "unavailable", code: "limit_exceeded" },
  { name: /^MessageRejected$/u, words: /not verified/iu, kind: "unavailable", code: "sender_unverified" },
  {
    name: /^MessageRejected$/u,
    words: /(?:sending|account).*(?:paused|suspended|disabled)/iu,
    kind: "unavailable",
    code: "account_suspended",
  },
  { name: /^MessageRejected$/u, kind: "rejected", code: "message_rejected" },
  { name: /^MailFromDomainNotVerified$/u, kind: "unavailable", code: "sender_unverified" },
  { name: /^(?:AccountSuspended|SendingPaused)$/u, kind: "unavailable", code: "account_suspended" },
  { name: /^(?:AccessDenied|NotAuthorized|OptInRequired)$/u, kind: "unavailable", code: "forbidden" },
  {
    name: /^(?:UnrecognizedClient|Invalid(?:ClientTokenId|Signature|AccessKeyId)|SignatureDoesNotMatch|IncompleteSignature|MissingAuthenticationToken|ExpiredToken|RequestExpired)$/u,
    kind: "unavailable",
    code: "unauthorized",
  },
  { name: /^(?:UnknownOperation|InvalidAction|NotFound)$/u, kind: "unavailable", code: "misconfigured" },
  {
    name: /^(?:BadRequest|Validation)$/u,
    words: /message length is more than/iu,
    kind: "unavailable",
    code: "too_large",
  },
  { name: /^(?:BadRequest|Validation|Serialization)$/u, kind: "rejected", code: "http_400" },
];

/** The quota is that of the last 24 hours, counted anew at each call; "wait for an interval of up to 10 minutes", says the vendor. */
const QUOTA_WAIT_MS = 600_000;

export function failureOf(carried: Carried, signal: AbortSignal): Failure {
  const { reply } = carried;
  const named = reply?.at === "answered" ? ruleFor(reply) : undefined;
  const refusals = {
    rules: named === undefined ? [] : [named],
    body: named === undefined ? z.never() : body,
  };
  const failure = generalFailureOf(carried, signal, refusals);
  const wait =
    failure.code === "quota_exceeded" ? { retryAfterMs: failure.retryAfterMs ?? QUOTA_WAIT_MS } : {};
  return { ...failure, ...wait };
}

/** AWS puts most of what can go wrong under one status, 400: a name that is not listed is not understood. */
function ruleFor(answer: Answered): StatusRule | undefined {
  const { status, headers } = answer;
  const said = body.safeParse(parseJson(answer.body.toString("utf8", 0, 8192))).data ?? {};
  const name = nameOf(headers["x-amzn-errortype"] ?? said["__type"] ?? said.code);
  if (name === "") return undefined;
  const rule = rules.find((one) => one.name.test(name) && (one.words?.test(said.message ?? "") ?? true));
  if (rule !== undefined) return { status, kind: rule.kind, code: rule.code };
  return status === 400 ? { status, kind: "ambiguous", code: "http_400" } : undefined;
}

const body = z.object({
  __type: z.string().optional(),
  code: z.string().optional(),
  message: z.string().optional(),
});

/** "com.amazonaws.sesv2#MessageRejected:http://…" -> MessageRejected */
function nameOf(type: string | readonly string[] = ""): string {
  const text = typeof type === "string" ? type : (type[0] ?? "");
  return text
    .replace(/:.*$/su, "")
    .replace(/^.*#/su, "")
    .trim()
    .replace(/(?:Exception|Error)$/u, "");
}
