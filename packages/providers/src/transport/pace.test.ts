import type { emailSend } from "@understudy/core";
import { misbehaving } from "@understudy/testkit";
import * as fc from "fast-check";
import { expect, test } from "vitest";

import { implement } from "./implement.ts";
import { paceIn } from "./pace.ts";
import { postJson } from "./post-json.ts";

const now = Date.UTC(2026, 10, 22, 12);

test.each<[string, Record<string, string>, [number, number] | undefined]>([
  ["the draft", { ratelimit: '"default";r=50;t=30' }, [50, 30_000]],
  [
    "several policies, of which the tightest counts",
    { ratelimit: '"day";r=900;t=4000, "s";r=3;t=1' },
    [3, 1000],
  ],
  ["the draft as it was", { ratelimit: "limit=100, remaining=0, reset=5" }, [0, 5000]],
  ["single fields of the draft", { "ratelimit-remaining": "9", "ratelimit-reset": "2" }, [9, 2000]],
  [
    "SendGrid's epoch seconds",
    { "x-ratelimit-remaining": "499", "x-ratelimit-reset": String(now / 1000 + 20) },
    [499, 20_000],
  ],
  [
    "epoch milliseconds",
    { "x-rate-limit-remaining": "1", "x-rate-limit-reset": String(now + 500) },
    [1, 500],
  ],
  [
    "a moment of the vendor's clock, which is a minute ahead",
    {
      "x-ratelimit-remaining": "0",
      "x-ratelimit-reset": String(now / 1000 + 70),
      date: new Date(now + 60_000).toUTCString(),
    },
    [0, 10_000],
  ],
  ["no reset", { "x-ratelimit-remaining": "4" }, undefined],
  ["a policy without its time", { ratelimit: '"default";r=50' }, undefined],
  ["a negative rest", { "ratelimit-remaining": "-1", "ratelimit-reset": "5" }, undefined],
  ["words", { "ratelimit-remaining": "many", "ratelimit-reset": "soon" }, undefined],
  [
    "a moment that is over",
    { "x-ratelimit-remaining": "0", "x-ratelimit-reset": String(now / 1000 - 5) },
    undefined,
  ],
  ["more than a day", { "x-ratelimit-remaining": "0", "x-ratelimit-reset": "90000" }, undefined],
  ["nothing", {}, undefined],
])("%s", (_, headers, expected) => {
  const [remaining, resetsInMs] = expected ?? [];
  expect(paceIn(headers, now)).toEqual(expected === undefined ? undefined : { remaining, resetsInMs });
});

test("whatever a vendor writes, the pace is sane or none", () => {
  const value = fc.oneof(fc.string(), fc.double().map(String), fc.nat().map(String), fc.array(fc.string()));
  fc.assert(
    fc.property(value, value, value, (ratelimit, remaining, reset) => {
      for (const headers of [
        { ratelimit },
        { "ratelimit-remaining": remaining, "ratelimit-reset": reset },
        { "x-ratelimit-remaining": remaining, "x-ratelimit-reset": reset },
      ]) {
        const pace = paceIn(headers, now);
        if (pace === undefined) continue;
        expect(Number.isInteger(pace.remaining) && pace.remaining >= 0).toBe(true);
        expect(pace.resetsInMs > 0 && pace.resetsInMs <= 86_400_000).toBe(true);
      }
    }),
  );
});

test("it is put on the outcome of whichever provider", async () => {
  const headers = { "x-ratelimit-remaining": "7", "x-ratelimit-reset": "30" };
  await using server = await misbehaving({ does: "answer", status: 200, body: "{}", headers });
  const adapter = implement<typeof emailSend>("acme", [], async (_, { signal }) => {
    await postJson(server.url, {}, {}, signal);
    return { kind: "unavailable", code: "http_503" };
  });
  const call = { jobId: "j", idempotencyKey: "k", signal: new AbortController().signal };
  const request = { from: { email: "a@b.example" }, to: [{ email: "c@d.example" }], subject: "s", text: "t" };
  expect((await adapter(request, call)).pace).toEqual({ remaining: 7, resetsInMs: 30_000 });
});
