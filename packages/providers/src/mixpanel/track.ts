import { analyticsTrack, type Implementation } from "@understudy/core";

import { alone } from "../analytics/alone.ts";
import { implementBatch, type TrackBatch } from "../analytics/batch.ts";
import { SOME_JOB_ID, weightOf, wireBytes } from "../analytics/weight.ts";
import { failureOf } from "../transport/classify.ts";
import { postJson } from "../transport/post-json.ts";
import { answersOf, refusals } from "./answer.ts";
import { eventsOf } from "./event.ts";

interface Config {
  readonly username: string;
  readonly secret: string;
  readonly projectId: string;
  readonly region: "us" | "eu" | "in";
  readonly baseUrl?: string | undefined;
}

/** https://docs.mixpanel.com/docs/privacy/eu-residency and .../in-residency */
const hosts = {
  us: "https://api.mixpanel.com",
  eu: "https://api-eu.mixpanel.com",
  in: "https://api-in.mixpanel.com",
} as const;

const MAX_REQUEST_BYTES = 10_000_000;
const MAX_EVENT_BYTES = 1_000_000;

export const track: Implementation<Config, typeof analyticsTrack> = {
  capability: analyticsTrack,
  idempotency: "natural",
  create: (config) => alone(createBatch(config)),
  accepts(request) {
    const events = eventsOf(request, SOME_JOB_ID);
    return (
      wireBytes(events) < MAX_REQUEST_BYTES && events.every((event) => wireBytes(event) < MAX_EVENT_BYTES)
    );
  },
  batch: {
    // 2000 events, or 2 MB: it took no more for years, and a smaller batch is sooner there.
    maxItems: 2000,
    maxBytes: 2_000_000,
    lingerMs: 20,
    weigh: (request) => weightOf(eventsOf(request, SOME_JOB_ID)),
    create: createBatch,
  },
};

function createBatch({ username, secret, projectId, region, baseUrl }: Config): TrackBatch {
  const url = `${(baseUrl ?? hosts[region]).replace(/\/+$/u, "")}/import?strict=1&project_id=${projectId}`;
  const credentials = Buffer.from(`${username}:${secret}`).toString("base64");
  const headers = { authorization: `Basic ${credentials}`, accept: "application/json" };
  return implementBatch("mixpanel", [secret, credentials], async (items, signal) => {
    const events = items.flatMap(({ request, jobId }) => eventsOf(request, jobId));
    const carried = await postJson(url, headers, events, signal);
    return answersOf(carried.reply, items) ?? failureOf(carried, signal, refusals);
  });
}
