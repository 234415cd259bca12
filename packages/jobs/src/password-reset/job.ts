import { defineJob, emailSend } from "@understudy/core";
import { htmlEscape } from "escape-goat";
import * as z from "zod";

/** Carries a reset link, which is worthless after an hour: the job gives up before a late mail confuses anybody. */
export const passwordReset = defineJob({
  name: "password-reset",
  queue: "email",
  payload: z.object({
    to: z.email(),
    resetUrl: z.url({ protocol: /^https$/u }),
    from: z.email().default("security@example.com"),
  }),
  capability: emailSend,
  toRequest: ({ to, resetUrl, from }) => ({
    from: { email: from },
    to: [{ email: to }],
    subject: "Reset your password",
    text: `Open this link within the hour to choose a new password:\n${resetUrl}\n\nIf you did not ask for it, do nothing.`,
    html: htmlEscape`<p>Open <a href="${resetUrl}">this link</a> within the hour to choose a new password.</p><p>If you did not ask for it, do nothing.</p>`,
    tags: ["password-reset"],
  }),
  maxAgeMs: 3_600_000,
  sensitive: ["to", "resetUrl"],
});
