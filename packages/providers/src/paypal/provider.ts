import { defineProvider, secret } from "@understudy/core";
import * as z from "zod";

import { charge } from "./charge.ts";
import { refund } from "./refund.ts";

/** https://developer.paypal.com/api/rest/. The API versions stand in client.ts. */
export const paypal = defineProvider({
  name: "paypal",
  config: z.object({
    /** Of a REST app of the merchant's account. */
    clientId: z.string().min(1),
    clientSecret: secret(),
    environment: z.enum(["live", "sandbox"]).default("live"),
    /** Instead of the environment's host: a sandbox, a proxy. */
    baseUrl: z.url({ protocol: /^https?$/u }).optional(),
  }),
  sandboxConfig: { clientId: "understudy-client", clientSecret: "secret-understudy-sandbox" },
  adapters: [charge, refund],
});
