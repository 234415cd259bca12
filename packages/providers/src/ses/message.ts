import type { SendEmailCommandInput } from "@aws-sdk/client-sesv2";
import type { Call, EmailRequest } from "@understudy/core";
import type MailComposer from "nodemailer/lib/mail-composer";

import { mimeOptions } from "../email/mime.ts";
import { uniqueRecipients } from "../email/recipients.ts";

/** The message whole, as MIME of ours: only so are its Message-ID, its headers and its attachments what the caller asked for. */
export async function messageOf(
  request: EmailRequest,
  call: Call,
  Composer: typeof MailComposer,
): Promise<SendEmailCommandInput> {
  const { to, cc, bcc } = uniqueRecipients(request);
  return {
    FromEmailAddress: request.from.email,
    Destination: {
      ToAddresses: to.map(({ email }) => email),
      ...(cc.length > 0 && { CcAddresses: cc.map(({ email }) => email) }),
      ...(bcc.length > 0 && { BccAddresses: bcc.map(({ email }) => email) }),
    },
    Content: { Raw: { Data: await mimeOf(request, call, Composer) } },
    EmailTags: [
      { Name: "job_id", Value: tag(call.jobId) },
      ...(request.tags ?? []).map((value, index) => ({ Name: `tag_${index + 1}`, Value: tag(value) })),
    ],
  };
}

/** Without Bcc: who else gets it stands in the destination only. */
function mimeOf(request: EmailRequest, call: Call, Composer: typeof MailComposer): Promise<Buffer> {
  const { bcc: _, ...shown } = mimeOptions(request, call);
  return new Composer({ ...shown, disableFileAccess: true, disableUrlAccess: true }).compile().build();
}

/** SES takes letters, digits, _ and - in a tag. */
function tag(value: string): string {
  return value.replaceAll(/[^\w-]/gu, "_").slice(0, 256);
}
