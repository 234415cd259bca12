import { type Call, type EmailAddress, type EmailRequest, messageIdOf } from "@understudy/core";
import type { SendMailOptions } from "nodemailer";

/** A message as nodemailer takes it, whoever carries it then. */
export function mimeOptions(request: EmailRequest, { jobId }: Call): SendMailOptions {
  const { from, to, cc, bcc, replyTo, subject, text, html, attachments, headers } = request;
  return {
    from: mailbox(from),
    to: to.map(mailbox),
    cc: cc?.map(mailbox),
    bcc: bcc?.map(mailbox),
    replyTo: replyTo && mailbox(replyTo),
    subject,
    text,
    html,
    attachments: attachments?.map(({ filename, contentType, contentBase64 }) => ({
      filename,
      contentType,
      content: contentBase64,
      encoding: "base64",
    })),
    messageId: messageIdOf(jobId, from),
    headers: { ...headers, "X-Job-ID": jobId },
  };
}

function mailbox({ email, name = "" }: EmailAddress): { name: string; address: string } {
  return { name, address: email };
}
