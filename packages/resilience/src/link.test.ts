import { analyticsTrack, type Call, chargeRequest, type Idempotency, paymentCharge } from "@understudy/core";
import { expect, test } from "vitest";

import { createBulkhead } from "./bulkhead.ts";
import { createLink } from "./link.ts";

function linkOf(
  idempotency: Exclude<Idempotency, "none">,
  calls: Call[] = [],
  config: object = {},
): ReturnType<typeof createLink> {
  return createLink({
    provider: "square",
    implementation: {
      capability: paymentCharge,
      idempotency,
      create: () => async (_: unknown, call: Call) => {
        calls.push(call);
        return { kind: "unavailable", code: "http_503", provider: "square", at: 0, durationMs: 0 };
      },
      accepts: ({ currency }: { readonly currency: string }) => currency === "EUR",
    },
    config,
    gates: [],
    timeoutMs: 1000,
    now: () => 0,
  });
}

const charge = (currency: string, provider: string): unknown =>
  chargeRequest.parse({ amountMinor: 1, currency, paymentMethod: { [provider]: "tok" } });

test("a link takes what is meant for its provider, and what its adapter accepts", () => {
  const link = linkOf({ horizonMs: 1, maxKeyLength: 45 });
  expect(link.accepts(charge("EUR", "square"))).toBe(true);
  expect(link.accepts(charge("EUR", "stripe"))).toBe(false);
  expect(link.accepts(charge("USD", "square"))).toBe(false);
});

test("a key that is too long for the vendor becomes a digest of itself, the same each time", async () => {
  const calls: Call[] = [];
  const { adapter } = linkOf({ horizonMs: 1, maxKeyLength: 45 }, calls);
  const { signal } = new AbortController();
  for (const idempotencyKey of ["short", "x".repeat(46), "x".repeat(46), "y".repeat(46)])
    await adapter(charge("EUR", "square"), { jobId: "j", idempotencyKey, signal });
  const [short, one, again, other] = calls.map(({ idempotencyKey }) => idempotencyKey);
  expect(short).toBe("short");
  expect(one).toMatch(/^[0-9a-f]{32}$/u);
  expect(again).toBe(one);
  expect(other).not.toBe(one);
});

test("its account is another with other credentials or another location, and the same at another address", () => {
  const account = (config: object) => linkOf({ horizonMs: 1, maxKeyLength: 45 }, [], config).account;
  const own = account({ token: "t-1", location: "L1" });
  expect(account({ token: "t-1", location: "L1", baseUrl: "http://127.0.0.1:1" })).toBe(own);
  expect(account({ token: "t-2", location: "L1" })).not.toBe(own);
  expect(account({ token: "t-1", location: "L2" })).not.toBe(own);
  expect(own).not.toContain("t-1");
});

test("slots hold jobs of one provider to their share, however many of them are in one call", async () => {
  const link = createLink({
    provider: "segment",
    implementation: {
      capability: analyticsTrack,
      idempotency: "natural",
      create: () => () => Promise.reject(new Error("its batch is used")),
      batch: {
        maxItems: 100,
        maxBytes: 1_000_000,
        lingerMs: 1,
        create: () => (items) =>
          Promise.resolve({
            kind: "delivered",
            final: true,
            receipt: items.map(() => ({ kind: "delivered", final: true, receipt: { accepted: 1 } }) as const),
            provider: "segment",
            at: 0,
            durationMs: 0,
          }),
      },
    },
    config: {},
    gates: [],
    slots: createBulkhead({ now: () => 0, maxConcurrent: 2, retryAfterMs: 2000 }),
    timeoutMs: 1000,
    now: () => 0,
  });
  const { signal } = new AbortController();
  expect(link.capacity().room).toBe(2);
  const outcomes = await Promise.all(
    [1, 2, 3].map((n) =>
      link.adapter(
        { userId: "ada", events: [{ id: `e-${n}`, name: "x", at: "2026-11-24T05:00:00Z" }] },
        { jobId: `j-${n}`, idempotencyKey: `j-${n}`, signal },
      ),
    ),
  );
  expect(outcomes).toMatchObject([
    { kind: "delivered" },
    { kind: "delivered" },
    { kind: "withheld", code: "bulkhead_full", retryAfterMs: 2000 },
  ]);
  expect(link.capacity().room).toBe(2);
});

test("of a diverted provider a job is fetched now and then, to settle what is bound to it", () => {
  let now = 0;
  const { capacity } = createLink({
    provider: "square",
    implementation: {
      capability: paymentCharge,
      idempotency: "natural",
      create: () => () => Promise.reject(new Error("is not called")),
    },
    config: {},
    gates: [],
    timeoutMs: 1000,
    now: () => now,
    directive: () => ({ verb: "divert", provider: "square", reason: "r", by: "ada", since: 0 }),
  });
  const rooms = Array.from({ length: 20 }, (_, n) => {
    now = 5000 + n * 100;
    return capacity().room;
  });
  expect(rooms.filter((room) => room === 1)).toHaveLength(2);
  expect(rooms.filter((room) => room === 0)).toHaveLength(18);
});
