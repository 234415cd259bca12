import {
  type Call,
  defineCapability,
  type Duplicates,
  type Life,
  type Outcome,
  unlimited,
  WORKER_LOST,
} from "@understudy/core";
import { describe, expect, test } from "vitest";
import * as z from "zod";

import { canAskAgain, deliver, type DeliveryContext } from "./failover.ts";
import type { Link, Route } from "./route.ts";

const keyed = { horizonMs: 86_400_000, maxKeyLength: 255 };
const context = {
  now: () => 0,
  random: () => 0.5,
  bind: async () => true,
  note: async () => true,
  onBug: () => {},
};
const call: Call = { jobId: "j", idempotencyKey: "k", signal: new AbortController().signal };

type Answer = Pick<Extract<Outcome, { code: string }>, "kind" | "code"> | "delivered";

function link(provider: string, answer: Answer, more: Partial<Link> = {}): Link & { calls: number } {
  const self = {
    provider,
    idempotency: keyed,
    calls: 0,
    accepts: () => true,
    capacity: () => unlimited,
    adapter: async (): Promise<Outcome> => {
      self.calls += 1;
      const meta = { provider, at: 0, durationMs: 0 };
      return answer === "delivered"
        ? { kind: "delivered", receipt: provider, final: true, ...meta }
        : { ...answer, ...meta };
    },
    ...more,
  };
  return self;
}

function route(links: readonly Link[], duplicates: Duplicates = "tolerated"): Route {
  return {
    capability: defineCapability({ name: "x", request: z.unknown(), receipt: z.unknown(), duplicates }),
    links,
  };
}

function life(duplicates: Duplicates, more: Partial<Life> = {}): Life {
  return { duplicates, maxPossibleCopies: 2, history: [], ...more };
}

async function kinds(
  links: readonly Link[],
  past: Life,
  more: Partial<Omit<DeliveryContext, "allowed">> & { readonly allowed?: readonly string[] } = {},
): Promise<string[]> {
  const { trail } = await deliver(route(links, past.duplicates), {}, call, past, { ...context, ...more });
  return trail.map((o) => `${o.provider} ${o.kind}${o.kind === "delivered" ? "" : ` ${o.code}`}`);
}

const down: Answer = { kind: "unavailable", code: "http_503" };
const unknown: Answer = { kind: "ambiguous", code: "timeout" };

describe("the next provider is asked", () => {
  test.each([
    down,
    { kind: "throttled", code: "http_429" },
    { kind: "withheld", code: "circuit_open" },
  ] as const)("after $kind", async (answer) => {
    expect(await kinds([link("a", answer), link("b", "delivered")], life("forbidden"))).toEqual([
      `a ${answer.kind} ${answer.code}`,
      "b delivered",
    ]);
  });
  test("after an unknown call where copies are tolerated and one is left", async () => {
    expect(
      await kinds([link("a", unknown), link("b", unknown), link("c", "delivered")], life("tolerated")),
    ).toEqual(["a ambiguous timeout", "b ambiguous timeout"]);
  });
});

describe("nobody else is asked", () => {
  test("once one has delivered", async () => {
    const second = link("b", "delivered");
    await kinds([link("a", "delivered"), second], life("tolerated"));
    expect(second.calls).toBe(0);
  });
  test.each([
    { kind: "rejected", code: "http_400" },
    { kind: "ambiguous", code: "key_conflict" },
    { kind: "ambiguous", code: "in_progress" },
  ] as const)("after $kind $code", async (answer) => {
    expect(await kinds([link("a", answer), link("b", "delivered")], life("harmless"))).toHaveLength(1);
  });
  test("after an unknown charge", async () => {
    expect(await kinds([link("a", unknown), link("b", "delivered")], life("forbidden"))).toEqual([
      "a ambiguous timeout",
    ]);
  });
  test("when the job must stop", async () => {
    const stopped = { ...call, signal: AbortSignal.abort("shutting_down") };
    const { trail } = await deliver(route([link("a", "delivered")]), {}, stopped, life("tolerated"), context);
    expect(trail).toMatchObject([{ kind: "withheld", code: "interrupted", retryAfterMs: 0 }]);
  });
});

describe("a binding", () => {
  test("is written before each provider is asked, and lifted when nothing happened there", async () => {
    const bound: string[] = [];
    const bind = async ({ provider }: { readonly provider: string }): Promise<boolean> => {
      bound.push(provider);
      return true;
    };
    const delivery = await deliver(
      route([link("a", down), link("b", down)], "forbidden"),
      {},
      call,
      life("forbidden"),
      { ...context, bind },
    );
    expect(bound).toEqual(["a", "b"]);
    expect(delivery.bound).toBeUndefined();
  });
  test("stays after an unknown call", async () => {
    const delivery = await deliver(
      route([link("a", unknown)], "forbidden"),
      {},
      call,
      life("forbidden"),
      context,
    );
    expect(delivery.bound).toEqual({ provider: "a", firstSentAt: 0 });
  });
  test("says which account was asked", async () => {
    const one = { ...link("a", unknown), account: "one" };
    const delivery = await deliver(route([one], "forbidden"), {}, call, life("forbidden"), context);
    expect(delivery.bound).toEqual({ provider: "a", firstSentAt: 0, account: "one" });
  });
  test("that cannot be written means that nothing is sent", async () => {
    const a = link("a", "delivered");
    expect(await kinds([a], life("forbidden"), { bind: async () => false })).toEqual([
      "a withheld interrupted",
    ]);
    expect(a.calls).toBe(0);
  });
  test("is not written where duplicates are tolerated", async () => {
    const bind = async (): Promise<boolean> => {
      throw new Error("must not be called");
    };
    expect(await kinds([link("a", "delivered")], life("tolerated"), { bind })).toEqual(["a delivered"]);
  });
  test("to a provider that has left the route is waited for", async () => {
    const past = life("forbidden", { bound: { provider: "gone", firstSentAt: 0 } });
    expect(await kinds([link("a", "delivered")], past)).toEqual(["gone withheld provider_missing"]);
    expect(canAskAgain(route([link("a", "delivered")]), past, [], 0)).toBe(true);
  });
});

describe("what was answered so far", () => {
  const lost = { kind: "ambiguous", code: WORKER_LOST, provider: "a", at: 0, durationMs: 0 } as const;
  async function notes(answer: Answer, past: Life): Promise<{ noted: string[][]; kinds: string[] }> {
    const noted: string[][] = [];
    const note: DeliveryContext["note"] = async (soFar) => {
      noted.push(soFar.map(({ provider }) => provider));
      return true;
    };
    return { kinds: await kinds([link("a", answer), link("b", "delivered")], past, { note }), noted };
  }
  test("is written down before a call that follows one of unknown fate", async () => {
    const { noted, kinds: all } = await notes(unknown, life("tolerated"));
    expect(all).toEqual(["a ambiguous timeout", "b delivered"]);
    expect(noted).toEqual([["a"]]);
  });
  test("is written down before the first call that follows a lost worker's", async () => {
    const { noted } = await notes(down, life("tolerated", { history: [lost] }));
    expect(noted).toEqual([[]]);
  });
  test("is not written down after a plain failure, nor where copies are harmless", async () => {
    expect(await notes(down, life("tolerated"))).toMatchObject({ noted: [] });
    expect(await notes(unknown, life("harmless", { history: [lost] }))).toMatchObject({ noted: [] });
  });
  test("that cannot be written after a lost worker's call means that nobody is asked", async () => {
    const a = link("a", "delivered");
    const past = life("tolerated", { history: [lost] });
    expect(await kinds([a], past, { note: async () => false })).toEqual(["a withheld interrupted"]);
    expect(a.calls).toBe(0);
  });
  test("that cannot be written means that nobody else is asked", async () => {
    const links = [link("a", unknown), link("b", "delivered"), link("c", "delivered")];
    expect(await kinds(links, life("tolerated"), { note: async () => false })).toEqual([
      "a ambiguous timeout",
      "b withheld interrupted",
    ]);
    expect(links.map(({ calls }) => calls)).toEqual([1, 0, 0]);
  });
});

test("a call that throws is of unknown fate as one without an answer, beside those before it, and is told of", async () => {
  const bugs: unknown[] = [];
  const bug = new Error("bug");
  const throwing = link("b", "delivered", { adapter: () => Promise.reject(bug) });
  const last = link("c", "delivered");
  const onBug = (error: unknown): void => void bugs.push(error);
  const links = [link("a", unknown), throwing, last];
  expect(await kinds(links, life("tolerated"), { onBug })).toEqual([
    "a ambiguous timeout",
    "b ambiguous internal_error",
  ]);
  expect([bugs, last.calls]).toEqual([[bug], 0]);
  expect(await kinds(links, life("tolerated", { maxPossibleCopies: 3 }), { onBug })).toEqual([
    "a ambiguous timeout",
    "b ambiguous internal_error",
    "c delivered",
  ]);
});

describe("who takes part", () => {
  test("only those on the job's own list", async () => {
    expect(
      await kinds([link("a", "delivered"), link("b", "delivered")], life("tolerated"), { allowed: ["b"] }),
    ).toEqual(["b delivered"]);
  });
  test("one that the job insists on and that is not on this route is waited for", async () => {
    expect(await kinds([link("a", "delivered")], life("tolerated"), { allowed: ["ses"] })).toEqual([
      "ses withheld provider_missing",
    ]);
  });
  test("only those that can serve the request; when none can, it is rejected", async () => {
    const never = { accepts: () => false };
    expect(await kinds([link("a", "delivered", never), link("b", "delivered")], life("tolerated"))).toEqual([
      "b delivered",
    ]);
    expect(await kinds([link("a", "delivered", never)], life("tolerated"))).toEqual([
      "route rejected no_provider_accepts",
    ]);
  });
});

describe("a diverted provider", () => {
  const word = { verb: "divert", provider: "a", reason: "r", by: "ada", since: 0 } as const;
  const diverted = (answer: Answer = "delivered"): Link & { calls: number } =>
    link("a", answer, { directive: () => word });
  test("gets no new work, and the next one takes it without having failed over", async () => {
    expect(await kinds([diverted(), link("b", "delivered")], life("tolerated"))).toEqual(["b delivered"]);
  });
  test("still settles what may have happened there", async () => {
    const past = life("tolerated", {
      history: [{ kind: "ambiguous", code: "timeout", provider: "a", at: 0, durationMs: 1 }],
    });
    expect(await kinds([diverted(), link("b", "delivered")], past)).toEqual(["a delivered"]);
    const bound = life("forbidden", { bound: { provider: "a", firstSentAt: 0 } });
    expect(await kinds([diverted(), link("b", "delivered")], bound)).toEqual(["a delivered"]);
  });
  test("holds the jobs that only it may serve", async () => {
    expect(await kinds([diverted()], life("tolerated"))).toEqual(["route withheld diverted"]);
  });
});

test("a provider is told whether the job has asked it before, in this attempt or an earlier one", async () => {
  const asked: (boolean | undefined)[] = [];
  const one = link("a", down);
  const noting: Link = {
    ...one,
    adapter: (request, past) => {
      asked.push(past.isRetry);
      return one.adapter(request, past);
    },
  };
  const withheld = { kind: "withheld", code: "circuit_open", provider: "a", at: 0, durationMs: 0 } as const;
  await kinds([noting], life("tolerated"));
  await kinds([noting], life("tolerated", { history: [withheld] }));
  await kinds([noting], life("tolerated", { history: [{ ...withheld, kind: "unavailable" }] }));
  expect(asked).toEqual([false, false, true]);
});

test("a backup that was asked first to keep it warm is told of", async () => {
  const warm = { ...route([link("a", "delivered"), link("b", "delivered")]), keepWarm: 0.5 };
  const delivery = await deliver(warm, {}, call, life("tolerated"), { ...context, random: () => 0 });
  expect(delivery.warmed).toBe("b");
  expect(delivery.trail.map(({ provider }) => provider)).toEqual(["b"]);
});

test("a job that would be held after one unknown answer is not tried at a backup first", async () => {
  const warm = { ...route([link("a", "delivered"), link("b", "delivered")]), keepWarm: 0.5 };
  const held = life("tolerated", { maxPossibleCopies: 1 });
  const delivery = await deliver(warm, {}, call, held, { ...context, random: () => 0 });
  expect(delivery.trail.map(({ provider }) => provider)).toEqual(["a"]);
});
