import {
  type Adapter,
  type Call,
  type EmailReceipt,
  type EmailRequest,
  emailSend,
  type Implementation,
  messageIdOf,
  recipientsOf,
} from "@understudy/core";
import type { SendMailOptions, SMTPSentMessageInfo } from "nodemailer";

import { type Answer, implement } from "../transport/implement.ts";
import { failureOf, refusalOf } from "./classify.ts";
import { createRelay, type Phase, type RelayConfig } from "./relay.ts";

interface Person {
  readonly email: string;
  readonly name?: string | undefined;
}

export const sendEmail: Implementation<RelayConfig, typeof emailSend> = {
  capability: emailSend,
  idempotency: "none",
  create,
  accepts: (request) => recipientsOf(request).length <= 1000,
};

function create(config: RelayConfig): Adapter<typeof emailSend> {
  const relay = createRelay(config);
  return implement<typeof emailSend>("smtp", relay.secrets, async (request, call) => {
    const phase: Phase = {};
    try {
      return accepted(await relay.send(messageOf(request, call), phase), request, call);
    } catch (error) {
      return failureOf(error, phase, call.signal);
    }
  });
}

/** Some recipients may have been refused all the same: they are named one by one. */
function accepted(sent: SMTPSentMessageInfo, request: EmailRequest, call: Call): Answer<EmailReceipt> {
  const undelivered = (sent.rejectedErrors ?? []).map((error) => refusalOf(error));
  return {
    kind: "delivered",
    final: false,
    ...(sent.serverMessageId !== undefined && { externalId: sent.serverMessageId }),
    ...(undelivered.length > 0 && { undelivered }),
    receipt: {
      messageId: messageIdOf(call.jobId, request.from),
      accepted: [...(sent.accepted ?? [])],
      rejected: [...(sent.rejected ?? [])],
    },
  };
}

function messageOf(request: EmailRequest, call: Call): SendMailOptions {
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
    messageId: messageIdOf(call.jobId, from),
    headers: { ...headers, "X-Job-ID": call.jobId },
    signal: call.signal,
  };
}

function mailbox({ email, name = "" }: Person): { name: string; address: string } {
  return { name, address: email };
}
