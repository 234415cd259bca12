import { type Call, type EmailReceipt, type EmailRequest, messageIdOf, recipientsOf } from "@understudy/core";

import type { Answer } from "../transport/implement.ts";

/** The answer of a vendor that has queued a message for everybody in it; what becomes of each it tells later. */
export function queued(externalId: string, request: EmailRequest, call: Call): Answer<EmailReceipt> {
  const receipt = {
    messageId: messageIdOf(call.jobId, request.from),
    accepted: [...recipientsOf(request)],
    rejected: [],
  };
  return { kind: "delivered", final: false, externalId, receipt };
}
