import { defineProvider, secret } from "@understudy/core";
import * as z from "zod";

import { sendEmail } from "./send-email.ts";

const sendgridConfig = z.object({
  /** An API key with the scope "Mail Send". */
  apiKey: secret(),
  /** Where the account's data lives. */
  region: z.enum(["global", "eu"]).default("global"),
  /** Instead of the region's host: a sandbox, a proxy. */
  baseUrl: z.url({ protocol: /^https?$/u }).optional(),
});

/** https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send */
export const sendgrid = defineProvider({
  name: "sendgrid",
  config: sendgridConfig,
  sandboxConfig: { apiKey: "SG.understudy-sandbox" },
  adapters: [sendEmail],
});
