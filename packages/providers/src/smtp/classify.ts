import type { Failure, FailureKind, Undelivered } from "@understudy/core";
import * as z from "zod";

import { aborted } from "../transport/classify.ts";
import { retryAfterMs } from "../transport/retry-after.ts";
import type { Phase } from "./relay.ts";

/** What nodemailer tells of a failure (https://nodemailer.com/errors). */
const errorShape = z.object({
  code: z.string().default("UNKNOWN"),
  message: z.string().default(""),
  command: z.string().default(""),
  response: z.string().optional(),
  responseCode: z.number().optional(),
  recipient: z.string().optional(),
});
type SmtpError = z.output<typeof errorShape>;

/** What a reply code means at one stage of the dialogue. The first rule that fits decides. */
interface ReplyRule {
  readonly from: number;
  readonly to: number;
  readonly stage?: RegExp;
  readonly words?: RegExp;
  readonly kind: Exclude<FailureKind, "withheld" | "ambiguous">;
  /** The reply code itself when absent: smtp_451. */
  readonly code?: string;
}

const tooLarge = /\b5\.(?:2\.3|3\.4)\b|\b(?:message|mail) size|\bsize (?:limit|exceeds)|too (?:big|large)/iu;
const mailboxFull = /\b5\.2\.2\b|mailbox (?:is )?(?:full|quota)|over ?quota|storage allocation/iu;

/** RFC 5321 §4.2, RFC 3463. A relay that answers has not taken the message, so nothing here is ambiguous. */
const rules: readonly ReplyRule[] = [
  { from: 400, to: 599, stage: /^STARTTLS/u, kind: "unavailable", code: "tls_failed" },
  {
    from: 400,
    to: 499,
    words: /4\.7\.28|too many|too much|\brate\b|throttl/iu,
    kind: "throttled",
    code: "rate_limited",
  },
  // Greylisted, or the mailbox is full: the relay is well.
  { from: 400, to: 499, stage: /^RCPT TO/u, kind: "unavailable", code: "recipient_deferred" },
  { from: 400, to: 499, kind: "unavailable" },
  { from: 530, to: 539, kind: "unavailable", code: "unauthorized" },
  { from: 500, to: 599, stage: /^AUTH/u, kind: "unavailable", code: "unauthorized" },
  { from: 500, to: 599, stage: /^(?:CONN|EHLO|HELO)/u, kind: "unavailable" },
  // The stage is out of order or unknown to the relay: the session is at fault, not the message.
  { from: 502, to: 503, kind: "unavailable" },
  { from: 500, to: 599, words: tooLarge, kind: "unavailable", code: "too_large" },
  { from: 500, to: 599, words: mailboxFull, kind: "rejected", code: "recipient_refused" },
  // To a recipient, RFC 5321 means the mailbox by it, and of the message the size.
  { from: 552, to: 552, stage: /^(?:MAIL FROM|DATA)/u, kind: "unavailable", code: "too_large" },
  { from: 550, to: 559, stage: /^MAIL FROM/u, kind: "unavailable", code: "sender_unverified" },
  { from: 550, to: 559, stage: /^RCPT TO/u, words: /relay/iu, kind: "unavailable", code: "forbidden" },
  { from: 500, to: 599, stage: /^RCPT TO/u, kind: "rejected", code: "recipient_refused" },
  { from: 500, to: 599, kind: "rejected" },
];

export function failureOf(thrown: unknown, { stream }: Phase, signal: AbortSignal): Failure {
  const error = mildest(thrown);
  const detail = error.response ?? `${error.code} ${error.message}`;
  if (error.responseCode !== undefined) return failureOfReply(error, error.responseCode, detail);
  // Only a message read to its end can have been followed by the final dot; a relay must drop a part of one.
  const complete = stream?.readableEnded === true;
  if (signal.aborted) return { ...aborted(complete, signal), detail };
  if (error.code === "EENVELOPE") return { kind: "rejected", code: "request_unbuildable", detail };
  const code = codeOf(error, stream !== undefined);
  return { kind: complete ? "ambiguous" : "unavailable", code, detail };
}

/** One recipient that was refused while others were taken. */
export function refusalOf(thrown: unknown): Undelivered {
  const { recipient = "", responseCode = 0 } = read(thrown);
  return { item: recipient, code: `smtp_${responseCode}`, permanent: responseCode >= 500 };
}

function failureOfReply(error: SmtpError, reply: number, detail: string): Failure {
  const rule = rules.find(
    ({ from, to, stage, words }) =>
      from <= reply && reply <= to && (stage?.test(error.command) ?? true) && (words?.test(detail) ?? true),
  );
  if (rule === undefined) return { kind: "ambiguous", code: `smtp_${reply}`, detail };
  const wait = rule.kind === "throttled" ? retryAfterMs({}, detail, Date.now()) : undefined;
  return {
    kind: rule.kind,
    code: rule.code ?? `smtp_${reply}`,
    detail,
    ...(wait !== undefined && { retryAfterMs: wait }),
  };
}

function codeOf({ code, response }: SmtpError, connected: boolean): string {
  // Something answered, but not in SMTP.
  if (response !== undefined) return "malformed_answer";
  if (code === "ETIMEDOUT") return "timeout";
  if (code === "EPROTOCOL") return "malformed_answer";
  if (code === "ETLS" || code === "EREQUIRETLS") return "tls_failed";
  if (code === "EAUTH") return "unauthorized";
  return connected ? "connection_lost" : "connect_failed";
}

/** When all recipients were refused, one of them for now only, the message is worth another try for that one. */
function mildest(thrown: unknown): SmtpError {
  const error = read(thrown);
  // Later in the dialogue the list names those who were refused while others were taken.
  if (error.code !== "EENVELOPE") return error;
  const each =
    z.object({ rejectedErrors: z.array(z.unknown()) }).safeParse(thrown).data?.rejectedErrors ?? [];
  return each.map(read).find(({ responseCode = 0 }) => responseCode >= 400 && responseCode < 500) ?? error;
}

function read(thrown: unknown): SmtpError {
  // Taken apart by hand: an Error's message is not an enumerable property.
  const { code, message, command, response, responseCode, recipient } = Object(thrown);
  return (
    errorShape.safeParse({ code, message, command, response, responseCode, recipient }).data ??
    errorShape.parse({ message: String(thrown) })
  );
}
