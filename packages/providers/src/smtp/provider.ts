import { defineProvider, secret } from "@understudy/core";
import * as z from "zod";

import { sendEmail } from "./send-email.ts";

/** Any relay that speaks SMTP (RFC 5321, submission RFC 6409). */
export const smtp = defineProvider({
  name: "smtp",
  config: z.object({
    /** `smtp://user:password@host:587`, or `smtps://…:465` for TLS from the first byte. Percent-encode what is special. */
    url: secret(),
    /** Whether to send in the clear to a relay without STARTTLS is refused; by default, unless the relay is on this machine. */
    requireTls: z.stringbool().optional(),
  }),
  sandboxConfig: { url: "smtp://understudy-sandbox:understudy-sandbox@127.0.0.1" },
  adapters: [sendEmail],
});
