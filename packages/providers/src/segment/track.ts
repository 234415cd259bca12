import { createHash } from "node:crypto";

import { analyticsTrack, type Implementation, type TrackedEvent, type TrackRequest } from "@understudy/core";
import * as z from "zod";

import { alone } from "../analytics/alone.ts";
import { allTaken, implementBatch, type TrackBatch } from "../analytics/batch.ts";
import { SOME_JOB_ID, weightOf, wireBytes } from "../analytics/weight.ts";
import { failureOf, parseJson, type Refusals } from "../transport/classify.ts";
import { postJson } from "../transport/post-json.ts";
import type { Reply } from "../transport/transport.ts";

interface Config {
  readonly writeKey: string;
  readonly region: "us" | "eu";
  readonly baseUrl?: string | undefined;
}

/** https://www.twilio.com/docs/segment/guides/regional-segment */
const hosts = { us: "https://api.segment.io", eu: "https://eu1.api.segmentapis.com" } as const;

/** 500 KB a request, with room for what stands round the events, and 32 KB an event. */
const MAX_KILOBYTES = 490;
const MAX_EVENT_BYTES = 32_000;

const refusals: Refusals = {
  body: z.object({ success: z.literal(false), message: z.string() }),
  // Of most wrong keys it says nothing at all.
  rules: [{ status: 400, body: /invalid write key/iu, kind: "unavailable", code: "unauthorized" }],
};

const success = z.object({ success: z.literal(true) });

export const track: Implementation<Config, typeof analyticsTrack> = {
  capability: analyticsTrack,
  idempotency: "natural",
  create: (config) => alone(createBatch(config)),
  accepts(request) {
    const events = eventsOf(request, SOME_JOB_ID);
    return (
      wireBytes(events) <= MAX_KILOBYTES * 1000 &&
      events.every((event) => wireBytes(event) <= MAX_EVENT_BYTES)
    );
  },
  batch: {
    maxItems: MAX_KILOBYTES,
    maxBytes: MAX_KILOBYTES * 1000,
    lingerMs: 20,
    weigh: (request) => weightOf(eventsOf(request, SOME_JOB_ID)),
    create: createBatch,
  },
};

function createBatch({ writeKey, region, baseUrl }: Config): TrackBatch {
  const url = `${(baseUrl ?? hosts[region]).replace(/\/+$/u, "")}/v1/batch`;
  const credentials = Buffer.from(`${writeKey}:`).toString("base64");
  const headers = { authorization: `Basic ${credentials}` };
  return implementBatch("segment", [writeKey, credentials], async (items, signal) => {
    const batch = items.flatMap(({ request, jobId }) => eventsOf(request, jobId));
    const carried = await postJson(url, headers, { batch }, signal);
    if (!isSuccess(carried.reply)) return failureOf(carried, signal, refusals);
    // Taken unseen: nobody has looked at the events, or at the key, yet.
    return allTaken(items, false);
  });
}

/** https://www.twilio.com/docs/segment/connections/spec/track */
function eventsOf({ userId, anonymousId, events }: TrackRequest, jobId: string): readonly object[] {
  return events.map((event) => ({
    type: "track",
    messageId: messageIdOf(event),
    event: event.name,
    userId,
    anonymousId,
    timestamp: new Date(event.at).toISOString(),
    properties: event.properties ?? {},
    context: { understudy: { jobId } },
  }));
}

/** Fewer than 100 characters. */
function messageIdOf({ id }: TrackedEvent): string {
  return id.length < 100 ? id : createHash("sha256").update(id).digest("hex");
}

function isSuccess(reply: Reply | undefined): boolean {
  if (reply?.at !== "answered" || reply.status !== 200) return false;
  return success.safeParse(parseJson(reply.body.toString())).success;
}
