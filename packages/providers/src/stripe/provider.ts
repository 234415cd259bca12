import { defineProvider, secret } from "@understudy/core";
import * as z from "zod";

import { charge } from "./charge.ts";
import { refund } from "./refund.ts";

/** https://docs.stripe.com/api. The API version stands in sdk.ts. */
export const stripe = defineProvider({
  name: "stripe",
  config: z.object({
    /** A secret key, or a restricted one that may write payment intents and refunds. */
    secretKey: secret(),
    /** Instead of api.stripe.com: a sandbox, a proxy. */
    baseUrl: z.url({ protocol: /^https?$/u }).optional(),
  }),
  sandboxConfig: { secretKey: "sk_test_understudy-sandbox" },
  adapters: [charge, refund],
});
