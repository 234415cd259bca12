import {
  type Adapter,
  type Call,
  type EmailAddress,
  type EmailRequest,
  emailSend,
  type Implementation,
  messageIdOf,
  recipientsOf,
} from "@understudy/core";
import * as z from "zod";

import { queued } from "../email/queued.ts";
import { uniqueRecipients } from "../email/recipients.ts";
import { attachmentBytes } from "../email/size.ts";
import { carry } from "../transport/carry.ts";
import { failureOf, type Refusals } from "../transport/classify.ts";
import { implement } from "../transport/implement.ts";
import { mailService, type SendGridMessage } from "./sdk.ts";

interface Content {
  readonly type: string;
  readonly value: string;
}

interface Config {
  readonly apiKey: string;
  readonly region: "global" | "eu";
  readonly baseUrl?: string | undefined;
}

const hosts = { global: "https://api.sendgrid.com", eu: "https://api.eu.sendgrid.com" } as const;

/** https://www.twilio.com/docs/sendgrid/api-reference/how-to-use-the-sendgrid-v3-api/errors */
const refusals: Refusals = {
  body: z.object({ errors: z.array(z.object({ message: z.string() })).min(1) }),
  rules: [
    { status: 401, body: /maximum credits exceeded/iu, kind: "unavailable", code: "no_balance" },
    { status: 403, body: /verified sender identity/iu, kind: "unavailable", code: "sender_unverified" },
    // "Unavailable due to data residency restrictions": the account lives in the other region.
    { status: 451, kind: "unavailable", code: "forbidden" },
    // "The SendGrid v3 Web API is not available": the front door, before a message is taken.
    { status: 503, kind: "unavailable", code: "http_503" },
  ],
};

export const sendEmail: Implementation<Config, typeof emailSend> = {
  capability: emailSend,
  idempotency: "none",
  create,
  // 30 MB in all, 1000 recipients, and no attachment without content.
  accepts: (request) =>
    attachmentBytes(request) <= 30_000_000 &&
    recipientsOf(request).length <= 1000 &&
    (request.attachments ?? []).every(({ contentBase64 }) => contentBase64 !== ""),
};

function create(config: Config): Adapter<typeof emailSend> {
  const mail = mailService(config.apiKey, config.baseUrl ?? hosts[config.region]);
  return implement<typeof emailSend>("sendgrid", [config.apiKey], async (request, call) => {
    const carried = await carry(call.signal, () => mail.send(messageOf(request, call)));
    const { reply } = carried;
    const requestId = reply?.at === "answered" ? reply.headers["x-message-id"] : undefined;
    if (reply?.at !== "answered" || reply.status !== 202 || typeof requestId !== "string")
      return failureOf(carried, call.signal, refusals);
    return queued(requestId, request, call);
  });
}

function messageOf(request: EmailRequest, call: Call): SendGridMessage {
  const { from, replyTo, subject, text, html, attachments, headers, tags } = request;
  const { to, cc, bcc } = uniqueRecipients(request);
  return {
    from: person(from),
    subject,
    // Headers of the message itself would also be sent as headers of the HTTP request, Authorization included.
    personalizations: [
      {
        to: to.map(person),
        ...(cc.length > 0 && { cc: cc.map(person) }),
        ...(bcc.length > 0 && { bcc: bcc.map(person) }),
        headers: { ...headers, "Message-ID": messageIdOf(call.jobId, from) },
        customArgs: { job_id: call.jobId },
      },
    ],
    ...(replyTo !== undefined && { replyTo: person(replyTo) }),
    ...(tags !== undefined && { categories: [...new Set(tags)] }),
    ...(attachments !== undefined && {
      attachments: attachments.map(({ filename, contentType, contentBase64 }) => ({
        filename,
        type: contentType,
        content: contentBase64,
        disposition: "attachment",
      })),
    }),
    content: contentOf(text, html),
  };
}

function person({ email, name }: EmailAddress): { email: string; name?: string } {
  return name === undefined ? { email } : { email, name };
}

/** Plain text goes first; SendGrid refuses any other order, and empty parts. */
function contentOf(text = "", html = ""): [Content, ...Content[]] {
  const plain: Content = { type: "text/plain", value: text };
  const rich: Content = { type: "text/html", value: html };
  if (html === "") return [plain];
  return text === "" ? [rich] : [plain, rich];
}
