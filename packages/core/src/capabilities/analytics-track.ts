import * as z from "zod";

import { defineCapability } from "../capability.ts";
import { json } from "../json.ts";

const plain = z.string().regex(/^[^\p{Cc}]+$/u, "must be 1 line of text");

const event = z.strictObject({
  /** Names this very event: sinks that can drop a second one of the same id. */
  id: plain.max(128),
  name: plain.max(100),
  /** When it happened: given, and not filled in, so that enqueuing it again says the same. */
  at: z.iso.datetime({ offset: true }),
  properties: z.record(plain.max(100), json).optional(),
});

/** Somebody's events, in any order. */
export const trackRequest = z
  .strictObject({
    userId: plain.max(200).optional(),
    anonymousId: plain.max(200).optional(),
    events: z.array(event).min(1).max(500),
  })
  .refine(({ userId, anonymousId }) => userId !== undefined || anonymousId !== undefined, {
    path: ["userId"],
    message: "events need a userId or an anonymousId",
  })
  .refine(({ events }) => new Set(events.map(({ id }) => id)).size === events.length, {
    path: ["events"],
    message: "two events have the same id",
  });

export const trackReceipt = z.object({ accepted: z.int().nonnegative() });

export type TrackRequest = z.output<typeof trackRequest>;
export type TrackReceipt = z.output<typeof trackReceipt>;
export type TrackedEvent = TrackRequest["events"][number];

/** Tell a sink what somebody did. A second copy is dropped by sinks that know the event's id, and counted by others. */
export const analyticsTrack = defineCapability({
  name: "analytics.track",
  request: trackRequest,
  receipt: trackReceipt,
  duplicates: "tolerated",
  sinks: true,
  narrow: (request, id) => ({ ...request, events: request.events.filter((one) => one.id === id) }),
});
