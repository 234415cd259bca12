import type { EmailRequest } from "@understudy/core";

/** How many bytes the attachments weigh on the wire, in base64. */
export function attachmentBytes({ attachments = [] }: EmailRequest): number {
  return attachments.reduce((sum, { contentBase64 }) => sum + contentBase64.length, 0);
}
