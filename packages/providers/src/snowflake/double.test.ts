import { type Outcome, trackRequest } from "@understudy/core";
import { expect, test } from "vitest";

import { openapiDouble } from "../testing/openapi-double.ts";
import { snowflake } from "./provider.ts";
import { track } from "./track.ts";

// The vendor's own description, cut to this operation; its `info` says where it is from. It answers with its examples.
const double = () => openapiDouble(new URL("testing/openapi.json", import.meta.url));

const request = trackRequest.parse({
  userId: "ada",
  anonymousId: "cookie-1",
  events: [
    {
      id: "e-1",
      name: "Order placed",
      at: "2026-11-24T05:00:00Z",
      properties: { total: 10.5, items: ["a"] },
    },
    { id: "e-2", name: "Signed up", at: "2026-11-24T05:00:00Z" },
  ],
});

function send(config: object): Promise<Outcome> {
  const batch = track.batch!.create(snowflake.config.parse({ ...snowflake.sandboxConfig, ...config }));
  const items = [1, 2].map((n) => ({ request, jobId: `double-${n}`, idempotencyKey: `k-${n}` }));
  return batch(items, { signal: new AbortController().signal });
}

test.each([
  ["a batch", {}],
  ["a batch with a role", { role: "UNDERSTUDY", schema: "RAW", table: "APP_EVENTS" }],
])(
  "Snowflake's own description has nothing to say against %s, and its answer is understood",
  async (_, config) => {
    await using vendor = await double();
    const outcome = await send({ ...config, baseUrl: vendor.url });
    expect(vendor.verdicts).toEqual([[]]);
    expect(outcome).toMatchObject({
      kind: "delivered",
      externalId: "536fad38-b564-4dc5-9892-a4543504df6c",
      receipt: [{ receipt: { accepted: 2 } }, { receipt: { accepted: 2 } }],
    });
  },
);

test("and it is that description which refuses a role that is no name", async () => {
  await using vendor = await double();
  const config = snowflake.config.parse({ ...snowflake.sandboxConfig, baseUrl: vendor.url });
  const adapter = track.create({ ...config, role: ["a", "b"] as unknown as string });
  const signal = new AbortController().signal;
  const outcome = await adapter(request, { jobId: "double-1", idempotencyKey: "k", signal });
  expect(vendor.verdicts).toEqual([[expect.stringMatching(/role must be string/u)]]);
  expect(outcome).toMatchObject({ kind: "ambiguous", code: "malformed_answer" });
});
