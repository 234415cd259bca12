import { analyticsTrack, defineJob, trackRequest } from "@understudy/core";

/** Tells every sink what somebody did: one job for each, so that a slow one holds up no other. */
export const syncAnalytics = defineJob({
  name: "sync-analytics",
  queue: "analytics",
  payload: trackRequest,
  capability: analyticsTrack,
  toRequest: (payload) => payload,
  // Events are many; the sinks themselves know one that is sent again.
  keepCompletedMs: 3_600_000,
  sensitive: ["userId", "anonymousId", "events"],
});
