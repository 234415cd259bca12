import * as z from "zod";

import { defineCapability } from "../capability.ts";

const oneLine = (what: string): z.ZodString => z.string().regex(/^[^\r\n]*$/u, `${what} must be one line`);

/** Who sends or receives. Producers may give the address alone. */
export interface EmailAddress {
  readonly email: string;
  readonly name?: string | undefined;
}

const address = z.union([
  z.object({ email: z.email(), name: oneLine("a name").max(256).optional() }),
  z.email().transform((email): EmailAddress => ({ email })),
]);

/** Headers that the platform writes itself; a caller's own would break threading, dedupe or delivery. */
const reservedHeaders =
  /^(?:from|to|cc|bcc|reply-to|sender|subject|date|message-id|mime-version|content-.*|received|return-path|dkim-signature|resent-.*|x-job-id|x-smtpapi|x-mailgun-.*)$/iu;

const headerName = z
  .string()
  .regex(/^[A-Za-z0-9-]{1,76}$/u, "a header name holds letters, digits and dashes")
  .refine((name) => !reservedHeaders.test(name), "this header is written by the platform");

const attachment = z.object({
  filename: oneLine("a filename").min(1).max(255),
  contentType: z
    .string()
    .regex(/^[\w.+-]+\/[\w.+-]+(?:; ?[\w-]+=[\w.-]+)*$/u, "must be like application/pdf"),
  contentBase64: z.base64(),
});

/** Fields that every e-mail job shares with the request. */
export const emailRequest = z
  .object({
    from: address,
    to: z.array(address).min(1).max(500),
    cc: z.array(address).max(500).optional(),
    bcc: z.array(address).max(500).optional(),
    replyTo: address.optional(),
    subject: oneLine("the subject").min(1).max(998),
    text: z.string().optional(),
    html: z.string().optional(),
    attachments: z.array(attachment).max(50).optional(),
    headers: z.record(headerName, oneLine("a header").max(998)).optional(),
    /** For the vendor's statistics. */
    tags: z
      .array(z.string().regex(/^[\w.-]{1,64}$/u, "a tag holds letters, digits, . _ -"))
      .max(10)
      .optional(),
  })
  .refine(({ text, html }) => (text ?? html ?? "") !== "", {
    path: ["text"],
    message: "an e-mail needs text or html",
  });

export const emailReceipt = z.object({
  /** The Message-ID header, the same on every attempt and provider. */
  messageId: z.string(),
  accepted: z.array(z.string()),
  rejected: z.array(z.string()),
});

export type EmailRequest = z.output<typeof emailRequest>;
export type EmailReceipt = z.output<typeof emailReceipt>;

/** Send one e-mail. Vendors know no idempotency key for it, so a call of unknown fate may cost a second copy. */
export const emailSend = defineCapability({
  name: "email.send",
  request: emailRequest,
  receipt: emailReceipt,
  duplicates: "tolerated",
  // Alone on the envelope: who else got the mail is not told again.
  narrow: ({ cc: _, bcc: __, ...request }, email) => ({ ...request, to: [{ email }] }),
});

/** Everybody who is to receive a copy. */
export function recipientsOf(request: EmailRequest): readonly string[] {
  return [...request.to, ...(request.cc ?? []), ...(request.bcc ?? [])].map(({ email }) => email);
}

/** The same on every attempt and provider of a job, so that mailboxes can drop a second copy and support can prove one. */
export function messageIdOf(jobId: string, from: EmailAddress): string {
  // The ids of scheduled jobs hold colons, which a Message-ID may not (RFC 5322 §3.6.4).
  return `<${jobId.replaceAll(":", ".")}@${from.email.slice(from.email.lastIndexOf("@") + 1)}>`;
}
