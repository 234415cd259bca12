import { defineCapability, type Outcome, unlimited } from "@understudy/core";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as z from "zod";

import type { Verb } from "./fleet/directive.ts";
import { inOrder, isNear, type Wish } from "./order.ts";
import type { Health, Link, Route } from "./route.ts";

const well: Health = { isClosed: true, failureRate: 0, meanMs: 100 };

function link(provider: string, more: { health?: Health; verb?: Verb; room?: number } = {}): Link {
  const { health, verb, room = Infinity } = more;
  return {
    provider,
    idempotency: "none",
    accepts: () => true,
    capacity: () => ({ ...unlimited, room }),
    adapter: () =>
      Promise.resolve<Outcome>({
        kind: "delivered",
        receipt: 1,
        final: true,
        provider,
        at: 0,
        durationMs: 0,
      }),
    ...(health === undefined ? {} : { health: () => health }),
    ...(verb === undefined
      ? {}
      : { directive: () => ({ verb, provider, reason: "r", by: "ada", since: 0 }) }),
  };
}

const capability = defineCapability({
  name: "x",
  request: z.unknown(),
  receipt: z.unknown(),
  duplicates: "tolerated",
});
const wish: Wish = { now: 0, random: () => 0.5, isFresh: true };

function order(links: readonly Link[], route: Partial<Route> = {}, more: Partial<Wish> = {}) {
  const { links: ordered, warmed } = inOrder({ capability, links, ...route }, links, { ...wish, ...more });
  return { providers: ordered.map(({ provider }) => provider).join(""), warmed };
}

const abc = [link("a"), link("b"), link("c")];

describe("usually", () => {
  test("the providers are asked as they are listed", () => {
    expect(order(abc).providers).toBe("abc");
  });
  test("the one that a person prefers goes first, whatever else holds", () => {
    const preferred = [link("a"), link("b"), link("c", { verb: "prefer" })];
    expect(order(preferred).providers).toBe("cab");
    expect(
      order(preferred, { weights: new Map([["a", 1]]), keepWarm: 0.5 }, { random: () => 0 }).providers,
    ).toBe("cab");
  });
});

describe("by weight", () => {
  const weights = new Map([
    ["a", 70],
    ["b", 20],
    ["c", 10],
  ]);
  test("each goes first as often as it weighs, and all are asked in the end", () => {
    let seed = 1;
    // A simple generator: the same sequence each time.
    const random = (): number => {
      seed = (seed * 16_807) % 2_147_483_647;
      return seed / 2_147_483_647;
    };
    const first: Record<string, number> = { a: 0, b: 0, c: 0 };
    for (let n = 0; n < 10_000; n += 1) {
      const { providers } = order(abc, { weights }, { random });
      expect(providers.split("").toSorted().join("")).toBe("abc");
      first[providers[0] ?? ""] = (first[providers[0] ?? ""] ?? 0) + 1;
    }
    expect(first["a"]! / 10_000).toBeCloseTo(0.7, 1);
    expect(first["b"]! / 10_000).toBeCloseTo(0.2, 1);
    expect(first["c"]! / 10_000).toBeCloseTo(0.1, 1);
  });
  test("whatever chance says, nobody is asked twice or left out", () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (chance) => {
        expect(order(abc, { weights }, { random: () => chance }).providers).toHaveLength(3);
      }),
    );
  });
});

describe("with a deadline", () => {
  const health = [
    link("a", { health: { ...well, isClosed: false } }),
    link("b", { health: { ...well, failureRate: 0.4 } }),
    link("c", { health: { ...well, meanMs: 400 } }),
    link("d", { health: well }),
  ];
  test("the healthiest goes first once it is near, and only then", () => {
    const deadline = { at: 100_000, since: 0 };
    expect(order(health, {}, { now: 79_999, deadline }).providers).toBe("abcd");
    expect(order(health, {}, { now: 80_000, deadline }).providers).toBe("dcba");
    expect(order(health, {}, { now: 200_000, deadline }).providers).toBe("dcba");
  });
  test("one that was near from the start is near", () => {
    expect(isNear({ now: 0, deadline: { at: 9000, since: 0 } })).toBe(true);
    expect(isNear({ now: 0, deadline: { at: 11_000, since: 0 } })).toBe(false);
    expect(isNear({ now: 0 })).toBe(false);
  });
});

describe("a backup is kept warm", () => {
  const keepWarm = { keepWarm: 0.01 };
  test("by its share of fresh jobs, and told of", () => {
    expect(order(abc, keepWarm, { random: () => 0.0099 })).toEqual({ providers: "bac", warmed: "b" });
    expect(order(abc, keepWarm, { random: () => 0.01 })).toEqual({ providers: "abc", warmed: undefined });
  });
  test("each backup in its turn", () => {
    const chances = [0.001, 0.6];
    expect(order(abc, keepWarm, { random: () => chances.shift() ?? 0 }).warmed).toBe("c");
  });
  test.each([
    ["a job that has asked somebody", abc, {}, { isFresh: false }],
    [
      "while the primary is in trouble",
      [link("a", { health: { ...well, isClosed: false } }), link("b")],
      {},
      {},
    ],
    ["by one that has no room", [link("a"), link("b", { room: 0 })], {}, {}],
    ["where the work is shared anyway", abc, { weights: new Map([["a", 1000]]) }, {}],
    ["where there is none", [link("a")], {}, {}],
  ])("not with %s", (_, links, route, more) => {
    expect(order(links, { ...keepWarm, ...route }, { random: () => 0, ...more })).toMatchObject({
      warmed: undefined,
    });
  });
});
