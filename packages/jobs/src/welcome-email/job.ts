import { defineJob, emailSend } from "@understudy/core";
import { htmlEscape } from "escape-goat";
import * as z from "zod";

/** Greets a new customer. */
export const welcomeEmail = defineJob({
  name: "welcome-email",
  queue: "email",
  payload: z.object({
    to: z.email(),
    name: z
      .string()
      .regex(/^[^\r\n]*$/u, "must be one line")
      .min(1)
      .max(200),
    from: z.email().default("hello@example.com"),
  }),
  capability: emailSend,
  toRequest: ({ to, name, from }) => ({
    from: { email: from },
    to: [{ email: to }],
    subject: `Welcome, ${name}`,
    text: `Hello ${name},\n\nit is good to have you here.`,
    html: htmlEscape`<p>Hello ${name},</p><p>it is good to have you here.</p>`,
    tags: ["welcome"],
  }),
  sensitive: ["to", "name"],
});
