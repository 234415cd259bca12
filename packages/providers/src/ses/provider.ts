import { defineProvider, secret } from "@understudy/core";
import * as z from "zod";

import { sendEmail } from "./send-email.ts";

/** https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html */
export const ses = defineProvider({
  name: "ses",
  config: z.object({
    /** Of an IAM user or role that may do `ses:SendEmail` and `ses:SendRawEmail`, and nothing else. */
    accessKeyId: z.string().min(1),
    secretAccessKey: secret(),
    /** Only with temporary credentials. */
    sessionToken: secret().optional(),
    /** Where the sending identity was verified, such as eu-west-1. */
    region: z.string().regex(/^[a-z]{2,}(?:-[a-z]+)+-\d+$/u, "must be like eu-west-1"),
    /** Instead of the region's host: a sandbox, a proxy. */
    baseUrl: z.url({ protocol: /^https?$/u }).optional(),
  }),
  sandboxConfig: {
    accessKeyId: "AKIAUNDERSTUDYSANDBOX",
    secretAccessKey: "understudy-sandbox",
    region: "eu-west-1",
  },
  adapters: [sendEmail],
});
