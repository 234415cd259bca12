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
import { attachmentBytes } from "../email/size.ts";
import { carry } from "../transport/carry.ts";
import { failureOf, parseJson, type Refusals } from "../transport/classify.ts";
import { implement } from "../transport/implement.ts";
import type { Reply } from "../transport/transport.ts";
import { credentialsOf, mailgunClient, type MailgunMessage } from "./sdk.ts";

interface Config {
  readonly apiKey: string;
  readonly domain: string;
  readonly region: "us" | "eu";
  readonly baseUrl?: string | undefined;
}

type Attachment = NonNullable<EmailRequest["attachments"]>[number];

const hosts = { us: "https://api.mailgun.net", eu: "https://api.eu.mailgun.net" } as const;

/** https://documentation.mailgun.com/docs/mailgun/quickstart-guide/responses */
const refusals: Refusals = {
  body: z.object({ message: z.string().min(1) }),
  rules: [
    { status: 402, kind: "unavailable", code: "no_balance" },
    {
      status: 403,
      body: /disabled|suspended|not activated/iu,
      kind: "unavailable",
      code: "account_suspended",
    },
    { status: 403, body: /unverified|not verified/iu, kind: "unavailable", code: "sender_unverified" },
    { status: 404, kind: "unavailable", code: "domain_unknown" },
    // From the balancer, which has found nobody to take the request.
    { status: 503, kind: "unavailable", code: "http_503" },
  ],
};

export const sendEmail: Implementation<Config, typeof emailSend> = {
  capability: emailSend,
  idempotency: "none",
  create,
  // 25 MB in all, and 1000 recipients.
  accepts: (request) => attachmentBytes(request) <= 25_000_000 && recipientsOf(request).length <= 1000,
};

function create({ apiKey, domain, region, baseUrl = hosts[region] }: Config): Adapter<typeof emailSend> {
  const mailgun = mailgunClient(apiKey, baseUrl);
  const secrets = [apiKey, credentialsOf(apiKey)];
  return implement<typeof emailSend>("mailgun", secrets, async (request, call) => {
    const carried = await carry(call.signal, () => mailgun.messages.create(domain, messageOf(request, call)));
    const id = queuedId(carried.reply);
    if (id === undefined) return failureOf(carried, call.signal, refusals);
    return queued(id, request, call);
  });
}

const documented = z.object({ id: z.string().min(1), message: z.string() });

function queuedId(reply: Reply | undefined): string | undefined {
  if (reply?.at !== "answered" || reply.status !== 200) return undefined;
  return documented.safeParse(parseJson(reply.body.toString())).data?.id;
}

function messageOf(request: EmailRequest, call: Call): MailgunMessage {
  const { from, to, cc, bcc, replyTo, subject, text, html, attachments, headers = {}, tags } = request;
  const own = Object.fromEntries(Object.entries(headers).map(([name, value]) => [`h:${name}`, value]));
  return {
    ...own,
    from: mailbox(from),
    to: to.map(mailbox),
    ...(cc !== undefined && { cc: cc.map(mailbox) }),
    ...(bcc !== undefined && { bcc: bcc.map(mailbox) }),
    ...(replyTo !== undefined && { "h:Reply-To": mailbox(replyTo) }),
    subject,
    // The SDK leaves out what is empty.
    text: text ?? "",
    html: html ?? "",
    ...(attachments !== undefined && { attachment: attachments.map(fileOf) }),
    ...(tags !== undefined && { "o:tag": [...tags] }),
    "h:Message-Id": messageIdOf(call.jobId, from),
    "v:job_id": call.jobId,
  };
}

/** A File, because the SDK loses the content type of a Buffer. */
function fileOf({ filename, contentType, contentBase64 }: Attachment): File {
  return new File([Buffer.from(contentBase64, "base64")], filename, { type: contentType });
}

function mailbox({ email, name }: EmailAddress): string {
  return name === undefined ? email : `"${name.replaceAll(/["\\]/gu, String.raw`\$&`)}" <${email}>`;
}
