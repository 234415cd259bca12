import { createHash } from "node:crypto";

import type { TrackedEvent, TrackRequest } from "@understudy/core";

export interface MixpanelEvent {
  readonly event: string;
  readonly properties: Readonly<Record<string, unknown>>;
}

/** https://docs.mixpanel.com/reference/import-events */
export function eventsOf(
  { userId, anonymousId, events }: TrackRequest,
  jobId: string,
): readonly MixpanelEvent[] {
  // With both, Mixpanel knows from now on that they are one: https://docs.mixpanel.com/docs/tracking-methods/id-management
  const both = userId !== undefined && anonymousId !== undefined;
  return events.map((event) => ({
    event: event.name,
    properties: {
      ...event.properties,
      time: Date.parse(event.at),
      distinct_id: userId ?? anonymousId,
      $insert_id: insertIdOf(event),
      ...(both && { $user_id: userId, $device_id: anonymousId }),
      understudy_job_id: jobId,
    },
  }));
}

/** Mixpanel takes 36 letters, digits and hyphens at most, and has words that stand for a mistake. */
function insertIdOf({ id }: TrackedEvent): string {
  if (/^[\da-z-]{1,36}$/iu.test(id) && !isPlaceholder(id)) return id;
  return createHash("sha256").update(id).digest("hex").slice(0, 36);
}

const placeholders: ReadonlySet<string> = new Set([
  "00000000-0000-0000-0000-000000000000",
  "anon",
  "anonymous",
  "nil",
  "none",
  "null",
  "n/a",
  "na",
  "undefined",
  "unknown",
  "<nil>",
  "0",
  "-1",
  "true",
  "false",
  "[]",
  "{}",
]);

/** Words that Mixpanel refuses as an id of a person or of an event. */
export function isPlaceholder(id: string): boolean {
  return placeholders.has(id.toLowerCase());
}
