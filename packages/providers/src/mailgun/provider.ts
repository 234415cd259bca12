import { defineProvider, secret } from "@understudy/core";
import * as z from "zod";

import { sendEmail } from "./send-email.ts";

/** https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/messages */
export const mailgun = defineProvider({
  name: "mailgun",
  config: z.object({
    /** A sending key of the domain, or an account key. */
    apiKey: secret(),
    /** The sending domain, such as mg.example.com. */
    domain: z.hostname(),
    /** Where the domain was made. */
    region: z.enum(["us", "eu"]).default("us"),
    /** Instead of the region's host: a sandbox, a proxy. */
    baseUrl: z.url({ protocol: /^https?$/u }).optional(),
  }),
  sandboxConfig: { apiKey: "key-understudy-sandbox", domain: "mg.understudy-sandbox.test" },
  adapters: [sendEmail],
});
