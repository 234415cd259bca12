import { createHash } from "node:crypto";

import type { TrackedEvent, TrackRequest } from "@understudy/core";

import { SOME_JOB_ID } from "../analytics/weight.ts";

/** Of a value, in characters; https://developers.google.com/analytics/devguides/collection/protocol/ga4/sending-events#limitations */
export const MAX_TEXT = 100;

export interface Payload {
  readonly client_id: string;
  readonly user_id?: string;
  readonly events: readonly PayloadEvent[];
}

export interface PayloadEvent {
  readonly name: string;
  readonly timestamp_micros: number;
  readonly params: Readonly<Record<string, unknown>>;
}

/** https://developers.google.com/analytics/devguides/collection/protocol/ga4/reference#payload */
export function payloadOf(
  { userId, anonymousId }: TrackRequest,
  events: readonly PayloadEvent[],
  jobId: string,
): Payload {
  return {
    client_id: anonymousId ?? clientIdOf(userId ?? ""),
    ...(userId !== undefined && { user_id: userId }),
    events: events.map((event) => ({ ...event, params: { ...event.params, understudy_job_id: jobId } })),
  };
}

/** An event as it is sent, by a job whose id is not known yet: it has the longest that Google Analytics keeps. */
export function payloadEventOf(event: TrackedEvent): PayloadEvent {
  const params = paramsOf(event.properties ?? {});
  params["understudy_event_id"] = shortId(event);
  params["understudy_job_id"] = SOME_JOB_ID.slice(0, MAX_TEXT);
  return { name: nameOf(event.name), timestamp_micros: Date.parse(event.at) * 1000, params };
}

/** Blanks and punctuation become `_`: "Order placed" is `Order_placed`. */
export function nameOf(name: string): string {
  return name.replaceAll(/[\s!-/:-@[-^`{-~]+/gu, "_");
}

/** Google Analytics demands the id of a browser: of whom we know no browser, one that looks like it and is always the same. */
function clientIdOf(userId: string): string {
  const digest = createHash("sha256").update(userId).digest();
  return `${digest.readUInt32BE(0)}.${digest.readUInt32BE(4)}`;
}

/** It knows texts and numbers, and `items`. */
function paramsOf(properties: NonNullable<TrackedEvent["properties"]>): Record<string, unknown> {
  const known = Object.entries(properties).filter(([, value]) => value !== null);
  return Object.fromEntries(known.map(([name, value]) => [nameOf(name), paramOf(name, value)]));
}

function paramOf(name: string, value: unknown): unknown {
  if (typeof value === "string" || typeof value === "number") return value;
  return name === "items" && Array.isArray(value) ? value : JSON.stringify(value);
}

function shortId({ id }: TrackedEvent): string {
  return id.length <= MAX_TEXT ? id : createHash("sha256").update(id).digest("hex");
}
