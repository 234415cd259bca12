import { expect, test } from "vitest";

import { analyticsTrack, trackRequest } from "./analytics-track.ts";

const event = { id: "e-1", name: "Order placed", at: "2026-11-24T05:00:00Z", properties: { total: 10.5 } };
const request = { userId: "ada", events: [event, { ...event, id: "e-2" }] };

test("a part of it is one event", () => {
  expect(analyticsTrack.narrow?.(trackRequest.parse(request), "e-2").events).toMatchObject([{ id: "e-2" }]);
});

test.each([
  ["nobody's events", { userId: undefined }],
  ["no events", { events: [] }],
  ["one id twice", { events: [event, event] }],
  ["no time", { events: [{ ...event, at: undefined }] }],
  ["a time of no zone", { events: [{ ...event, at: "2026-11-24T05:00:00" }] }],
  ["what is no JSON", { events: [{ ...event, properties: { f: () => 1 } }] }],
])("%s are refused", (_, more) => {
  expect(trackRequest.safeParse({ ...request, ...more }).success).toBe(false);
});
