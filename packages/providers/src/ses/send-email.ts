import { type Adapter, emailSend, type Implementation, recipientsOf } from "@understudy/core";
import type MailComposer from "nodemailer/lib/mail-composer";
import * as z from "zod";

import { queued } from "../email/queued.ts";
import { uniqueRecipients } from "../email/recipients.ts";
import { attachmentBytes } from "../email/size.ts";
import { loadSdk } from "../load-sdk.ts";
import { carry } from "../transport/carry.ts";
import { parseJson } from "../transport/classify.ts";
import { implement } from "../transport/implement.ts";
import type { Reply } from "../transport/transport.ts";
import { failureOf } from "./classify.ts";
import { messageOf } from "./message.ts";
import { sesClient, type SesConfig } from "./sdk.ts";

export const sendEmail: Implementation<SesConfig, typeof emailSend> = {
  capability: emailSend,
  idempotency: "none",
  create,
  // Both of its limits, a second's and a day's, count recipients: https://docs.aws.amazon.com/ses/latest/dg/manage-sending-quotas.html
  cost: (request) => Object.values(uniqueRecipients(request)).flat().length,
  // 40 MB with its line ends, text and headers; 50 recipients: https://docs.aws.amazon.com/ses/latest/dg/quotas.html
  accepts: (request) => attachmentBytes(request) <= 38_000_000 && recipientsOf(request).length <= 50,
};

function create(config: SesConfig): Adapter<typeof emailSend> {
  const client = sesClient(config);
  const Composer = loadSdk("nodemailer/lib/mail-composer") as typeof MailComposer;
  const secrets = [config.secretAccessKey, config.sessionToken ?? ""];
  return implement<typeof emailSend>("ses", secrets, async (request, call) => {
    const carried = await carry(call.signal, async () =>
      client.sendEmail(await messageOf(request, call, Composer)),
    );
    const id = acceptedId(carried.reply);
    if (id === undefined) return failureOf(carried, call.signal);
    return queued(id, request, call);
  });
}

const accepted = z.object({ MessageId: z.string().min(1) });

function acceptedId(reply: Reply | undefined): string | undefined {
  if (reply?.at !== "answered" || reply.status !== 200) return undefined;
  return accepted.safeParse(parseJson(reply.body.toString())).data?.MessageId;
}
