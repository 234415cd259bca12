import { defineJob, emailRequest, emailSend } from "@understudy/core";

/** Any e-mail, given whole. Jobs with a template of their own are made like `welcome-email`. */
export const sendEmail = defineJob({
  name: "send-email",
  queue: "email",
  payload: emailRequest,
  capability: emailSend,
  toRequest: (payload) => payload,
  sensitive: ["to", "cc", "bcc", "subject", "text", "html", "attachments"],
});
