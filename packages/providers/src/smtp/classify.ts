import type { Failure, Undelivered } from "@understudy/core";
import * as z from "zod";

import { aborted } from "../transport/classify.ts";
import { retryAfterMs } from "../transport/retry-after.ts";
import type { Phase } from "./relay.ts";
import { ruleFor } from "./reply-rules.ts";

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

/** One recipient that was refused while others were taken; for good only by what is said of them, not of us. */
export function refusalOf(thrown: unknown): Undelivered {
  const error = read(thrown);
  const { recipient = "", responseCode = 0 } = error;
  return { item: recipient, code: `smtp_${responseCode}`, permanent: isRejection(error) };
}

function failureOfReply(error: SmtpError, reply: number, detail: string): Failure {
  const rule = ruleFor(reply, error.command, detail);
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

/** When all recipients were refused, one of them not for good, the message is worth another try for that one. */
function mildest(thrown: unknown): SmtpError {
  const error = read(thrown);
  // Later in the dialogue the list names those who were refused while others were taken.
  if (error.code !== "EENVELOPE") return error;
  const each =
    z.object({ rejectedErrors: z.array(z.unknown()) }).safeParse(thrown).data?.rejectedErrors ?? [];
  return each.map(read).find((one) => !isRejection(one)) ?? error;
}

function isRejection({ responseCode = 0, command, response = "" }: SmtpError): boolean {
  return (ruleFor(responseCode, command, response)?.kind ?? "rejected") === "rejected";
}

function read(thrown: unknown): SmtpError {
  // Taken apart by hand: an Error's message is not an enumerable property.
  const { code, message, command, response, responseCode, recipient } = Object(thrown);
  return (
    errorShape.safeParse({ code, message, command, response, responseCode, recipient }).data ??
    errorShape.parse({ message: String(thrown) })
  );
}
