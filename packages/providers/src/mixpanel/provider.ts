import { defineProvider, secret } from "@understudy/core";
import * as z from "zod";

import { track } from "./track.ts";

const mixpanelConfig = z.object({
  /** A service account that is owner or admin of the project. */
  username: z.string().regex(/^[^:\s]+$/u, "must be the service account's username"),
  secret: secret(),
  projectId: z.string().regex(/^\d+$/u, "must be the project's number"),
  /** Where the project's data lives. */
  region: z.enum(["us", "eu", "in"]).default("us"),
  /** Instead of the region's host: a sandbox, a proxy. */
  baseUrl: z.url({ protocol: /^https?$/u }).optional(),
});

/** https://docs.mixpanel.com/reference/import-events */
export const mixpanel = defineProvider({
  name: "mixpanel",
  config: mixpanelConfig,
  sandboxConfig: {
    username: "sandbox.service.mp-service-account",
    secret: "understudy-sandbox-secret",
    projectId: "1234567",
  },
  adapters: [track],
});
