import { type Outcome, type TrackRequest, trackRequest } from "@understudy/core";
import { expect, test } from "vitest";

import { openapiDouble } from "../testing/openapi-double.ts";
import { mixpanel } from "./provider.ts";
import { track } from "./track.ts";

// The vendor's own description, cut to this operation; its `info` says where it is from. It answers with its examples.
const double = () => openapiDouble(new URL("testing/openapi.json", import.meta.url));

const at = "2026-11-24T05:00:00Z";
const properties = { total: 10.5, items: [{ sku: "a" }], gift: false, note: null };

function requestOf(count: number, from = 0): TrackRequest {
  const events = Array.from({ length: count }, (_, n) => ({
    id: `order/${from + n}`,
    name: "Order placed",
    at,
    properties,
  }));
  return trackRequest.parse({ userId: "ada", anonymousId: "cookie-1", events });
}

function send(baseUrl: string, requests: readonly TrackRequest[]): Promise<Outcome> {
  const batch = track.batch!.create(mixpanel.config.parse({ ...mixpanel.sandboxConfig, baseUrl }));
  const items = requests.map((request, n) => ({ request, jobId: `double-${n}`, idempotencyKey: "k" }));
  return batch(items, { signal: new AbortController().signal });
}

test("Mixpanel's own description has nothing to say against a batch, and its answer is understood", async () => {
  await using vendor = await double();
  // Its example has imported 2000.
  const outcome = await send(vendor.url, [requestOf(500), requestOf(500), requestOf(500), requestOf(500)]);
  expect(vendor.verdicts).toEqual([[]]);
  expect(outcome).toMatchObject({
    kind: "delivered",
    receipt: Array.from({ length: 4 }, () => ({ kind: "delivered", receipt: { accepted: 500 } })),
  });
});

test("and it is that description which refuses an event without a time, in part", async () => {
  await using vendor = await double();
  const [first, ...others] = requestOf(500).events;
  // Its example has imported 999, and failed the first.
  const spoiled = { userId: "ada", events: [{ ...first!, at: "some day" }, ...others] };
  const outcome = await send(vendor.url, [spoiled, requestOf(500)]);
  expect(vendor.verdicts).toEqual([[expect.stringMatching(/0\/properties\/time must be integer/u)]]);
  expect(outcome).toMatchObject({
    kind: "delivered",
    receipt: [
      {
        kind: "delivered",
        receipt: { accepted: 499 },
        undelivered: [{ item: "order/0", code: "invalid_time", permanent: true }],
      },
      { kind: "delivered", receipt: { accepted: 500 } },
    ],
  });
});
