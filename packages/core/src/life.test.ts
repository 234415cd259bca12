import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import { type Candidate, endsAttempt, type Life, mayCall } from "./life.ts";
import { effectOf, possibleCopies } from "./outcome.ts";
import { anyOutcome, outcome } from "./testing/arbitraries.ts";

const hour = 3_600_000;
const keyless = (provider: string): Candidate => ({ provider, idempotency: "none" });
const keyed = (provider: string): Candidate => ({
  provider,
  idempotency: { horizonMs: 24 * hour, maxKeyLength: 255 },
});
const mail: Life = { duplicates: "tolerated", maxPossibleCopies: 2, history: [] };
const money: Life = { ...mail, duplicates: "forbidden" };
const unknownAt = (provider: string, at = 0): ReturnType<typeof outcome> =>
  outcome({ kind: "ambiguous", code: "timeout", provider, at });

describe("money", () => {
  test("goes to the next provider while every call ended without effect", () => {
    expect(
      mayCall(keyed("b"), money, [outcome({ kind: "unavailable", code: "http_503", provider: "a" })], 0),
    ).toBe(true);
  });
  test("stays with the provider of an unknown call, which replays the key", () => {
    expect(mayCall(keyed("b"), money, [unknownAt("a")], 0)).toBe(false);
    expect(mayCall(keyed("a"), money, [unknownAt("a")], 0)).toBe(true);
  });
  test("stays bound although the provider said 429 or refused since", () => {
    const trail = [
      unknownAt("a"),
      outcome({ kind: "throttled", code: "http_429", provider: "a" }),
      outcome({ kind: "rejected", code: "http_400", provider: "a" }),
    ];
    expect(mayCall(keyed("b"), money, trail, 0)).toBe(false);
  });
  test("meets no other provider while a binding stands", () => {
    const life = { ...money, bound: { provider: "a", firstSentAt: 0 } };
    expect(mayCall(keyed("b"), life, [], 0)).toBe(false);
    expect(mayCall(keyed("a"), life, [], 0)).toBe(true);
  });
  test("is not repeated once the vendor may have forgotten the key", () => {
    const life = { ...money, bound: { provider: "a", firstSentAt: 0 }, history: [unknownAt("a", 0)] };
    expect(mayCall(keyed("a"), life, [], 23 * hour)).toBe(true);
    expect(mayCall(keyed("a"), life, [], 24 * hour)).toBe(false);
    expect(mayCall(keyed("a"), life, [], 24 * hour - 60_000)).toBe(false);
  });
  test("is not repeated with credentials of another account, which knows nothing of its key", () => {
    const bound = { provider: "a", firstSentAt: 0, account: "one" };
    const life = { ...money, bound, history: [unknownAt("a", 0)] };
    expect(mayCall({ ...keyed("a"), account: "one" }, life, [], hour)).toBe(true);
    expect(mayCall({ ...keyed("a"), account: "two" }, life, [], hour)).toBe(false);
  });
  test("is asked of nobody when it is not known who may have acted", () => {
    const history = [outcome({ kind: "ambiguous", code: "worker_lost", provider: "unknown" })];
    expect(mayCall(keyed("a"), { ...money, history }, [], 0)).toBe(false);
  });
  test("is never repeated at a provider that knows no key", () => {
    expect(mayCall(keyless("a"), money, [unknownAt("a")], 0)).toBe(false);
  });
  test("for every past: no second provider after an unknown call", () => {
    fc.assert(
      fc.property(fc.array(anyOutcome), fc.constantFrom("a", "b", "c"), (trail, provider) => {
        fc.pre(effectOf(trail) !== "none" && effectOf(trail, provider) === "none");
        expect(mayCall(keyed(provider), money, trail, 0)).toBe(false);
      }),
    );
  });
});

describe("mail", () => {
  test("goes on while copies are left", () => {
    expect(mayCall(keyless("b"), mail, [unknownAt("a")], 0)).toBe(true);
    expect(mayCall(keyless("c"), mail, [unknownAt("a"), unknownAt("b")], 0)).toBe(false);
  });
  test("counts a worker lost in the middle as a possible copy", () => {
    const history = [outcome({ kind: "ambiguous", code: "worker_lost", provider: "unknown", count: 2 })];
    expect(mayCall(keyless("a"), { ...mail, history }, [], 0)).toBe(false);
  });
  test("on hold is not sent again by anybody", () => {
    expect(mayCall(keyless("b"), { ...mail, maxPossibleCopies: 1 }, [unknownAt("a")], 0)).toBe(false);
  });
  test("is not replayed at a provider that perhaps never was asked", () => {
    const history = [outcome({ kind: "ambiguous", code: "worker_lost", provider: "unknown" })];
    const natural: Candidate = { provider: "a", idempotency: "natural" };
    for (const candidate of [keyed("a"), natural]) {
      expect(mayCall(candidate, { ...mail, maxPossibleCopies: 1, history }, [], 0)).toBe(false);
    }
  });
  test("may always be replayed where the vendor knows the key", () => {
    const trail = [unknownAt("a"), unknownAt("a"), unknownAt("a")];
    expect(mayCall(keyed("a"), mail, trail, 0)).toBe(true);
  });
  test("for every past: never more possible copies than allowed", () => {
    fc.assert(
      fc.property(
        fc.array(anyOutcome, { maxLength: 8 }),
        fc.integer({ min: 1, max: 4 }),
        (trail, maxPossibleCopies) => {
          fc.pre(mayCall(keyless("a"), { ...mail, maxPossibleCopies }, trail, 0));
          expect(possibleCopies([...trail, unknownAt("a")])).toBeLessThanOrEqual(maxPossibleCopies);
        },
      ),
    );
  });
});

test("reads may go anywhere, any number of times", () => {
  expect(
    mayCall(
      keyless("b"),
      { ...mail, duplicates: "harmless" },
      [unknownAt("a"), unknownAt("a"), unknownAt("b")],
      0,
    ),
  ).toBe(true);
});

test("delivered, rejected and a key in use end the attempt; nothing else does", () => {
  expect(endsAttempt(outcome({ kind: "delivered", receipt: {}, final: true }))).toBe(true);
  expect(endsAttempt(outcome({ kind: "rejected", code: "http_400" }))).toBe(true);
  expect(endsAttempt(outcome({ kind: "ambiguous", code: "in_progress" }))).toBe(true);
  expect(endsAttempt(outcome({ kind: "ambiguous", code: "key_conflict" }))).toBe(true);
  for (const kind of ["unavailable", "throttled", "withheld", "ambiguous"] as const) {
    expect(endsAttempt(outcome({ kind, code: "timeout" }))).toBe(false);
  }
});
