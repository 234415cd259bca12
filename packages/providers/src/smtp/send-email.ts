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
import type { SMTPSentMessageInfo } from "nodemailer";

import { mimeOptions } from "../email/mime.ts";
import { type Answer, implement } from "../transport/implement.ts";
import { failureOf, refusalOf } from "./classify.ts";
import { createRelay, type Phase, type RelayConfig } from "./relay.ts";

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
      return accepted(
        await relay.send({ ...mimeOptions(request, call), signal: call.signal }, phase),
        request,
        call,
      );
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
