import { type Adapter, analyticsTrack, type Failure, type Implementation } from "@understudy/core";
import * as z from "zod";

import { taken } from "../analytics/batch.ts";
import { failureOf, type Refusals } from "../transport/classify.ts";
import { implement } from "../transport/implement.ts";
import { postJson } from "../transport/post-json.ts";
import type { Reply } from "../transport/transport.ts";
import { fits, fitting } from "./limits.ts";
import { payloadOf } from "./payload.ts";

interface Config {
  readonly measurementId: string;
  readonly apiSecret: string;
  readonly region: "global" | "eu";
  readonly baseUrl?: string | undefined;
}

/** https://developers.google.com/analytics/devguides/collection/protocol/ga4/reference#transport */
const hosts = {
  global: "https://www.google-analytics.com",
  eu: "https://region1.google-analytics.com",
} as const;

/** It documents no refusal at all: whatever refuses is not Google Analytics. */
const refusals: Refusals = { body: z.never(), rules: [] };

export const track: Implementation<Config, typeof analyticsTrack> = {
  capability: analyticsTrack,
  idempotency: "none",
  create,
  accepts: fits,
};

const nothingFits: Failure = {
  kind: "rejected",
  code: "invalid_event",
  detail: "Google Analytics would drop each event of it in silence: see its limits.",
};

function create({ measurementId, apiSecret, region, baseUrl }: Config): Adapter<typeof analyticsTrack> {
  const query = new URLSearchParams({ measurement_id: measurementId, api_secret: apiSecret }).toString();
  const url = `${(baseUrl ?? hosts[region]).replace(/\/+$/u, "")}/mp/collect?${query}`;
  const secrets = [apiSecret, encodeURIComponent(apiSecret), query];
  return implement<typeof analyticsTrack>("ga4", secrets, async (request, call) => {
    const { events, undelivered } = fitting(request);
    if (events.length === 0) return nothingFits;
    const payload = payloadOf(request, events, call.jobId);
    const carried = await postJson(url, {}, payload, call.signal);
    if (!isTaken(carried.reply)) return failureOf(carried, call.signal, refusals);
    // Nobody has looked at the events, or at the secret, and nobody will say.
    return { ...taken(events.length, false), ...(undelivered.length > 0 && { undelivered }) };
  });
}

/** It says nothing, with a status that means well; whoever has something to say is somebody else. */
function isTaken(reply: Reply | undefined): boolean {
  if (reply?.at !== "answered") return false;
  return (reply.status === 204 || reply.status === 200) && reply.body.toString().trim() === "";
}
