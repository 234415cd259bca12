import type { TrackedEvent, TrackRequest, Undelivered } from "@understudy/core";

import { wireBytes } from "../analytics/weight.ts";
import { MAX_TEXT, nameOf, payloadEventOf, payloadOf, type PayloadEvent } from "./payload.ts";

// https://developers.google.com/analytics/devguides/collection/protocol/ga4/sending-events#limitations
const MAX_EVENTS = 25;
const MAX_PARAMS = 25;
const MAX_NAME = 40;
const MAX_ITEMS = 200;
const MAX_BYTES = 130_000;

/** Longer than others: https://support.google.com/analytics/answer/9267744 */
const longTexts: Readonly<Record<string, number>> = {
  page_title: 300,
  page_referrer: 420,
  page_location: 1000,
};

/** https://developers.google.com/analytics/devguides/collection/protocol/ga4/reference#reserved_event_names */
const reservedNames: ReadonlySet<string> = new Set([
  "ad_activeview",
  "ad_click",
  "ad_exposure",
  "ad_query",
  "ad_reward",
  "adunit_exposure",
  "app_clear_data",
  "app_exception",
  "app_install",
  "app_remove",
  "app_store_refund",
  "app_update",
  "app_upgrade",
  "dynamic_link_app_open",
  "dynamic_link_app_update",
  "dynamic_link_first_open",
  "error",
  "firebase_campaign",
  "firebase_in_app_message_action",
  "firebase_in_app_message_dismiss",
  "firebase_in_app_message_impression",
  "first_open",
  "first_visit",
  "in_app_purchase",
  "notification_dismiss",
  "notification_foreground",
  "notification_open",
  "notification_receive",
  "notification_send",
  "os_update",
  "session_start",
  "session_start_with_rollout",
  "user_engagement",
]);

export interface Fitting {
  /** What one request holds, of the events that would be kept. */
  readonly events: readonly PayloadEvent[];
  readonly undelivered: readonly Undelivered[];
}

let last: { readonly request: TrackRequest; readonly found: Fitting } | undefined;

/** Google Analytics says nothing of what it drops, so we must know before. Asked before a call and for it, in one turn. */
export function fitting(request: TrackRequest): Fitting {
  if (last?.request !== request) last = { request, found: fittingOf(request) };
  return last.found;
}

function fittingOf(request: TrackRequest): Fitting {
  const events: PayloadEvent[] = [];
  const undelivered: Undelivered[] = [];
  let bytes = wireBytes(payloadOf(request, [], ""));
  for (const event of request.events) {
    const sent = payloadEventOf(event);
    const added = wireBytes(sent) + 1;
    if (!isKept(sent) || !isUnambiguous(event) || added >= MAX_BYTES)
      undelivered.push({ item: event.id, code: "invalid_event", permanent: true });
    else if (events.length === MAX_EVENTS || bytes + added >= MAX_BYTES)
      undelivered.push({ item: event.id, code: "batch_full", permanent: false });
    else {
      events.push(sent);
      bytes += added;
    }
  }
  return { events, undelivered };
}

/** Whether there is anything in it that Google Analytics would keep. */
export function fits(request: TrackRequest): boolean {
  return fitting(request).events.length > 0;
}

/** Two properties whose names become one name would be one. */
function isUnambiguous({ properties = {} }: TrackedEvent): boolean {
  const names = Object.keys(properties);
  return new Set(names.map(nameOf)).size === names.length;
}

export function isKept({ name, params }: PayloadEvent): boolean {
  const entries = Object.entries(params);
  return (
    isName(name) &&
    !reservedNames.has(name) &&
    entries.length <= MAX_PARAMS &&
    entries.every(([param, value]) => isName(param) && isValue(param, value))
  );
}

function isName(name: string): boolean {
  return name.length <= MAX_NAME && /^[a-z]\w*$/iu.test(name) && !/^(?:firebase_|ga_|google_)/u.test(name);
}

function isValue(name: string, value: unknown): boolean {
  if (typeof value === "string") return value.length <= (longTexts[name] ?? MAX_TEXT);
  return !Array.isArray(value) || value.length <= MAX_ITEMS;
}
