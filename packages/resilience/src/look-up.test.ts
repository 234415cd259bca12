import {
  type Capability,
  defineCapability,
  type Life,
  type LookUpCall,
  type Outcome,
} from "@understudy/core";
import { describe, expect, test } from "vitest";
import * as z from "zod";

import { createQuestion, lookUp, questionFor } from "./look-up.ts";
import type { Link } from "./route.ts";

const hour = 3_600_000;
const pay = defineCapability({
  name: "test.pay",
  request: z.object({}),
  receipt: z.object({ id: z.string() }),
  duplicates: "forbidden",
});

const unknown = (at: number, provider = "a"): Outcome => ({
  kind: "ambiguous",
  code: "timeout",
  provider,
  at,
  durationMs: 1000,
});
const money = (...history: readonly Outcome[]): Life => ({
  duplicates: "forbidden",
  maxPossibleCopies: 2,
  history,
});

type Answer = Outcome | "not_found" | "cannot_tell";

function link(answer: Answer | ((call: LookUpCall) => Promise<Answer>), timeoutMs = 1000): Link {
  return {
    provider: "a",
    idempotency: "none",
    adapter: () => Promise.reject(new Error("a look-up makes no call")),
    accepts: () => true,
    capacity: () => ({ room: 1, opensAt: 0 }),
    lookUp: createQuestion({
      provider: "a",
      lookUp: {
        trustNotFoundAfterMs: hour,
        create: () => (_: unknown, call: LookUpCall) =>
          typeof answer === "function" ? answer(call) : Promise.resolve(answer),
      },
      config: {},
      timeoutMs,
      now: () => 2 * hour,
    }),
  };
}

const call = { jobId: "pay-1", idempotencyKey: "pay-1-g1", signal: new AbortController().signal };
const routeOf = (one: Link): { readonly capability: Capability; readonly links: readonly Link[] } => ({
  capability: pay,
  links: [{ ...one, provider: "b" }, one],
});

describe("who may be asked", () => {
  test("the provider whose call is of unknown fate, once it may be believed", () => {
    const asked = questionFor(routeOf(link("not_found")), money(unknown(5000)), []);
    expect(asked).toMatchObject({ link: { provider: "a" }, at: 6000 + hour });
  });

  test.each([
    ["nothing is unknown", money()],
    ["nobody knows who was asked", money(unknown(1, "unknown"))],
    ["two may have acted", money(unknown(1), unknown(1, "b"))],
  ])("nobody when %s", (_, life) => {
    expect(questionFor(routeOf(link("not_found")), life, [])).toBeUndefined();
  });

  test("again after five minutes when the question failed, and no more when it was answered with a shrug", () => {
    const failed: Outcome = {
      kind: "unavailable",
      code: "http_503",
      provider: "a",
      at: 2 * hour,
      durationMs: 0,
      lookUp: true,
    };
    const route = routeOf(link("not_found"));
    expect(questionFor(route, money(unknown(0), failed), [])).toMatchObject({ at: 2 * hour + 300_000 });
    const shrug = { ...failed, kind: "ambiguous", code: "cannot_tell" } as const;
    expect(questionFor(route, money(unknown(0), shrug), [])).toMatchObject({ at: undefined });
    const late = { ...failed, at: 26 * hour };
    expect(questionFor(route, money(unknown(0), late), [])).toMatchObject({ at: undefined });
  });
});

describe("what is answered", () => {
  const life = money(unknown(5000));
  const now = (): number => 2 * hour;

  test("found: delivered, and marked as a look-up", async () => {
    const found: Outcome = {
      kind: "delivered",
      receipt: { id: "ch_1" },
      final: true,
      provider: "a",
      at: 1,
      durationMs: 1,
    };
    expect(await lookUp(link(found), {}, call, life, now)).toEqual({ ...found, lookUp: true });
  });

  test("not found, when that may be believed: proof that nothing happened", async () => {
    expect(await lookUp(link("not_found"), {}, call, life, now)).toMatchObject({
      kind: "unavailable",
      code: "not_found",
      lookUp: true,
      provesNone: true,
    });
  });

  test("not found, too early: no proof, and from when it would be one", async () => {
    const early = (): number => hour;
    const outcome = await lookUp(link("not_found"), {}, call, life, early);
    expect(outcome).toMatchObject({ kind: "ambiguous", code: "not_found_yet", retryAfterMs: 6000 });
    expect(outcome).not.toHaveProperty("provesNone");
  });

  test("not found in another account than the one that was asked to act: no proof", async () => {
    const bound = { provider: "a", firstSentAt: 4000, account: "one" };
    const elsewhere = { ...link("not_found"), account: "two" };
    const outcome = await lookUp(elsewhere, {}, call, { ...life, bound }, now);
    expect(outcome).toMatchObject({ kind: "ambiguous", code: "cannot_tell", lookUp: true });
    expect(outcome).not.toHaveProperty("provesNone");
    expect(await lookUp({ ...elsewhere, account: "one" }, {}, call, { ...life, bound }, now)).toMatchObject({
      provesNone: true,
    });
  });

  test("cannot tell, or a question that nobody answers: nothing is proved", async () => {
    expect(await lookUp(link("cannot_tell"), {}, call, life, now)).toMatchObject({ code: "cannot_tell" });
    const silent = link(() => new Promise(() => undefined), 10);
    expect(await lookUp(silent, {}, call, life, now)).toMatchObject({ code: "timeout", lookUp: true });
  });

  test("it is told since when calls may have been made", async () => {
    let told: LookUpCall | undefined;
    const curious = link(async (asked) => {
      told = asked;
      return "not_found";
    });
    await lookUp(curious, {}, call, { ...life, bound: { provider: "a", firstSentAt: 4000 } }, now);
    expect(told).toMatchObject({ jobId: "pay-1", sentAfter: 4000, endedAt: 6000 });
  });
});
