import * as fc from "fast-check";
import { expect, test } from "vitest";

import { effectOfLife, type Envelope, envelopeSchema, type NewEnvelope, openEnvelope } from "./envelope.ts";
import { outcome } from "./testing/arbitraries.ts";

const envelope: Envelope = {
  v: 1,
  payload: { to: "ada@example.com", tags: [], amount: 10 },
  fingerprint: "f",
  idempotencyKey: "k",
  enqueuedAt: 1,
  lifeStartedAt: 1,
  generation: 1,
  attempt: 2,
  startsSettled: 3,
  trail: [
    outcome({ kind: "ambiguous", code: "timeout", count: 2 }),
    outcome({ kind: "delivered", receipt: { id: 1 }, final: true }),
  ],
  bound: { provider: "a", firstSentAt: 1 },
  ended: { cause: "exhausted", effect: "maybe", at: 5 },
};

test("an envelope comes back from its trip as it was", () => {
  expect(openEnvelope(JSON.parse(JSON.stringify(envelope)))).toEqual({ at: "open", envelope });
});

test("one of a newer release is recognised by its version alone", () => {
  expect(openEnvelope({ v: 2, anything: true })).toEqual({ at: "newer", version: 2 });
});

test("what a life may have done is none only when that is sure", () => {
  const open = (trail: Envelope["trail"]): ReturnType<typeof openEnvelope> =>
    openEnvelope({ ...envelope, trail });
  expect(effectOfLife(open([]), 0)).toBe("none");
  expect(effectOfLife(open([]), 1)).toBe("maybe");
  expect(effectOfLife(open(envelope.trail), 0)).toBe("maybe");
  expect(effectOfLife(openEnvelope({ v: 2 }), 0)).toBe("maybe");
  expect(effectOfLife(openEnvelope({ ...envelope, trail: [{ kind: "weird" }] }), 0)).toBe("maybe");
  expect(effectOfLife(openEnvelope({ somebody: "else's" }), 5)).toBe("none");
});

test.each([
  undefined,
  null,
  7,
  "text",
  [],
  {},
  { v: 1 },
  { ...envelope, trail: [{ kind: "weird" }] },
  { ...envelope, startsSettled: -1 },
])("%j is foreign, and is said to be without its values", (data) => {
  const opened = openEnvelope(data);
  expect(opened.at).toBe("foreign");
  expect(JSON.stringify(opened)).not.toContain("ada@example.com");
});

test("a new envelope is read as the schema reads it", () => {
  const odd = fc.constantFrom<unknown>(
    1,
    0,
    -1,
    1.5,
    Number.NaN,
    Infinity,
    "",
    "a",
    null,
    [],
    ["a"],
    [1],
    {},
  );
  const usual = { v: 1, payload: {}, enqueuedAt: 5, lifeStartedAt: 9, idempotencyKey: "k" };
  const others = {
    providers: ["a"],
    traceparent: `00-${"a".repeat(32)}-${"b".repeat(16)}-01`,
    fingerprint: "f",
    only: "x",
  };
  const known = Object.entries({ ...usual, ...others });
  const field = fc
    .constantFrom(...known)
    .chain(([name, value]) =>
      fc.oneof({ weight: 5, arbitrary: fc.constant(value) }, odd).map((one) => [name, one] as const),
    );
  fc.assert(
    fc.property(fc.array(field), fc.boolean(), (fields, isWhole) => {
      const data: Record<string, unknown> = { ...(isWhole ? usual : {}), ...Object.fromEntries(fields) };
      const said = {
        lifeStartedAt: data["enqueuedAt"],
        generation: 1,
        attempt: 0,
        startsSettled: 0,
        trail: [],
      };
      const expected = envelopeSchema.safeParse({ ...said, ...data });
      const opened = openEnvelope(data);
      expect(opened.at === "open").toBe(expected.success);
      if (opened.at === "open") expect(opened.envelope).toEqual(expected.data);
    }),
    { numRuns: 2000 },
  );
});

test("a new envelope is stored without what goes without saying", () => {
  const stored: NewEnvelope = { v: 1, payload: { to: "ada" }, idempotencyKey: "k", enqueuedAt: 1 };
  const begun = { ...stored, generation: 1, attempt: 0, startsSettled: 0, trail: [] };
  expect(openEnvelope(stored)).toEqual({ at: "open", envelope: { ...begun, lifeStartedAt: 1 } });
  const later = openEnvelope({ ...stored, lifeStartedAt: 9 });
  expect(later).toEqual({ at: "open", envelope: { ...begun, lifeStartedAt: 9 } });
});

test("an envelope that has lost a part of what it said is damaged, and may have done anything", () => {
  const { trail: _, ...damaged } = envelope;
  const opened = openEnvelope(damaged);
  expect(opened).toMatchObject({ at: "foreign", wasOurs: true });
  expect(effectOfLife(opened, 0)).toBe("maybe");
});
