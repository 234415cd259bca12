import { Analytics } from "@segment/analytics-node";
import { trackRequest } from "@understudy/core";
import { misbehaving } from "@understudy/testkit";
import { expect, test } from "vitest";

import { segment } from "./provider.ts";
import { track } from "./track.ts";

const success = { does: "answer", status: 200, body: '{"success": true}' } as const;
const at = "2026-11-24T05:00:00.500Z";
const properties = { total: 10.5, items: ["a", { sku: "b" }], gift: false, note: null };

test("what goes over the wire is what Segment's own SDK would send of the same event", async () => {
  await using theirs = await misbehaving(success);
  const sdk = new Analytics({ writeKey: "key", host: theirs.url, maxRetries: 0 });
  sdk.track({
    userId: "ada",
    anonymousId: "cookie-1",
    messageId: "e-1",
    event: "Order placed",
    timestamp: new Date(at),
    properties,
  });
  await sdk.closeAndFlush();

  await using ours = await misbehaving(success);
  const request = trackRequest.parse({
    userId: "ada",
    anonymousId: "cookie-1",
    events: [{ id: "e-1", name: "Order placed", at, properties }],
  });
  const config = segment.config.parse({ writeKey: "key", baseUrl: ours.url });
  const signal = new AbortController().signal;
  await track.create(config)(request, { jobId: "sync-1", idempotencyKey: "k", signal });

  const [sent] = ours.requests;
  const [model] = theirs.requests;
  expect([sent?.method, sent?.path, sent?.headers.authorization]).toEqual([
    "POST",
    model?.path,
    model?.headers.authorization,
  ]);
  const { _metadata, integrations, context, ...event } = eventOf(model?.body);
  // It says of itself what it is, and of the destinations that none is chosen.
  expect([_metadata, integrations, context]).toMatchObject([{ jsRuntime: "node" }, {}, { library: {} }]);
  expect(eventOf(sent?.body)).toEqual({ ...event, context: { understudy: { jobId: "sync-1" } } });
});

function eventOf(body = ""): Readonly<Record<string, unknown>> {
  const { batch } = JSON.parse(body) as { readonly batch: readonly [Readonly<Record<string, unknown>>] };
  expect(batch).toHaveLength(1);
  return batch[0];
}
