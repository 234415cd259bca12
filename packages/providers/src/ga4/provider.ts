import { defineProvider, secret } from "@understudy/core";
import * as z from "zod";

import { track } from "./track.ts";

const ga4Config = z.object({
  /** Of a web data stream. */
  measurementId: z.string().regex(/^G-[A-Z\d]+$/u, "must look like G-12345ABCDE"),
  /** Made under the stream's "Measurement Protocol API secrets". */
  apiSecret: secret(),
  /** Where the data is processed. */
  region: z.enum(["global", "eu"]).default("global"),
  /** Instead of the region's host: a sandbox, a proxy. */
  baseUrl: z.url({ protocol: /^https?$/u }).optional(),
});

/** https://developers.google.com/analytics/devguides/collection/protocol/ga4 */
export const ga4 = defineProvider({
  name: "ga4",
  config: ga4Config,
  sandboxConfig: { measurementId: "G-SANDBOX", apiSecret: "understudy-sandbox-secret" },
  adapters: [track],
});
