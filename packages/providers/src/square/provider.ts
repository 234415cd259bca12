import { defineProvider, secret } from "@understudy/core";
import * as z from "zod";

import { charge } from "./charge.ts";
import { refund } from "./refund.ts";

/** https://developer.squareup.com/reference/square. The API version stands in client.ts. */
export const square = defineProvider({
  name: "square",
  config: z.object({
    /** Of the seller's account, with PAYMENTS_READ and PAYMENTS_WRITE. */
    accessToken: secret(),
    /** Where the money is taken; without it, the account's main location. */
    locationId: z.string().min(1).max(50).optional(),
    environment: z.enum(["production", "sandbox"]).default("production"),
    /** Instead of the environment's host: a sandbox, a proxy. */
    baseUrl: z.url({ protocol: /^https?$/u }).optional(),
  }),
  sandboxConfig: { accessToken: "EAAA-understudy-sandbox" },
  adapters: [charge, refund],
});
