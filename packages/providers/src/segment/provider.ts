import { defineProvider, secret } from "@understudy/core";
import * as z from "zod";

import { track } from "./track.ts";

const segmentConfig = z.object({
  /** Of a server source: its settings, "API Keys". */
  writeKey: secret(),
  /** Where the workspace is: one in the EU loses, without a word, what is sent to the US. */
  region: z.enum(["us", "eu"]).default("us"),
  /** Instead of the region's host: a sandbox, a proxy. */
  baseUrl: z.url({ protocol: /^https?$/u }).optional(),
});

/** https://www.twilio.com/docs/segment/connections/sources/catalog/libraries/server/http-api */
export const segment = defineProvider({
  name: "segment",
  config: segmentConfig,
  sandboxConfig: { writeKey: "understudy-sandbox-write-key" },
  adapters: [track],
});
