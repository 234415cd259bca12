import type { Admission, Gate, Outcome, Refusal } from "@understudy/core";
import { createVirtualClock } from "@understudy/testkit";
import { describe, expect, test } from "vitest";

import type { Limit } from "./limit.ts";
import { createMemoryPaceStore } from "./memory-store.ts";
import { createRateLimiter } from "./rate-limiter.ts";
import type { PaceAsk, PaceStore } from "./store.ts";

const meta = { provider: "a", at: 0, durationMs: 1 };
const delivered: Outcome = { kind: "delivered", receipt: {}, final: true, ...meta };
const throttled: Outcome = { kind: "throttled", code: "http_429", retryAfterMs: 3000, ...meta };
const DAY = 86_400_000;

/** Several processes that share one account, on one clock. */
function fleet(limits: readonly Limit[]) {
  const clock = createVirtualClock();
  const books = createMemoryPaceStore(clock.now);
  const asks: PaceAsk[] = [];
  const network = { isUp: true, isSilent: false };
  const member = (self: string): Gate => {
    const store: PaceStore = {
      lease: async (of, ask) => {
        asks.push(ask);
        if (network.isSilent) return await new Promise(() => undefined);
        if (!network.isUp) throw new Error("gone");
        return await books(self).lease(of, ask);
      },
    };
    const shared = { store, account: "a", isReachable: () => network.isUp };
    return createRateLimiter({ now: clock.now, limits, shared });
  };
  return { clock, asks, network, member };
}

/** Lets everything that was begun in the background be done. */
const settled = (): Promise<void> => new Promise(setImmediate);

async function admitted(gate: Gate, most = 1000): Promise<number> {
  for (let count = 0; count < most; count += 1) if (!(await gate.admit()).ok) return count;
  return most;
}

describe("a limiter of its own", () => {
  test("lets a burst through and then keeps the pace", () => {
    const clock = createVirtualClock();
    const gate = createRateLimiter({ now: clock.now, limits: [{ calls: 20, perMs: 1000 }] });
    expect([gate.admit(), gate.admit(), gate.admit()].map((answer) => (answer as Admission).ok)).toEqual([
      true,
      true,
      false,
    ]);
    expect(gate.admit()).toEqual({ ok: false, code: "rate_limited", retryAfterMs: 50 });
    clock.advance(50);
    expect(gate.admit()).toMatchObject({ ok: true });
  });

  test("holds all of its limits at once", async () => {
    const clock = createVirtualClock();
    const limits = [
      { calls: 1000, perMs: 1000 },
      { calls: 30, perMs: DAY },
    ];
    const gate = createRateLimiter({ now: clock.now, limits });
    expect(await admitted(gate)).toBe(30);
    clock.advance(DAY / 2);
    expect(await admitted(gate)).toBe(0);
    expect(gate.capacity().opensAt).toBeGreaterThan(clock.now() + DAY / 2 - 1);
  });

  test("a call takes what it costs, and one that costs more than a window goes as the whole of it", () => {
    const clock = createVirtualClock();
    const gate = createRateLimiter({ now: clock.now, limits: [{ calls: 10, perMs: DAY }] });
    expect(gate.admit({ cost: 8, isRetry: false })).toMatchObject({ ok: true });
    expect(gate.admit({ cost: 8, isRetry: false })).toMatchObject({ ok: false });
    expect(gate.admit({ cost: 2, isRetry: false })).toMatchObject({ ok: true });
    clock.advance(2 * DAY);
    expect(gate.admit({ cost: 500, isRetry: false })).toMatchObject({ ok: true });
    expect(gate.admit()).toMatchObject({ ok: false });
  });
});

describe("a limiter that is shared", () => {
  test("admits at once while permits are in hand, and leases more of them the more are used", async () => {
    const { clock, asks, member } = fleet([{ calls: 10_000, perMs: 1000 }]);
    const gate = member("one");
    let waited = 0;
    for (let call = 0; call < 500; call += 1) {
      const answer = gate.admit();
      if (answer instanceof Promise) waited += 1;
      expect(await answer).toMatchObject({ ok: true });
      clock.advance(1);
    }
    expect(waited).toBeLessThan(10);
    expect(asks.length).toBeLessThan(60);
  });

  test("processes that want twice the limit get the limit between them", async () => {
    const { clock, member } = fleet([{ calls: 100, perMs: 1000 }]);
    const gates = ["one", "two", "three", "four"].map((name) => member(name));
    let used = 0;
    for (let step = 0; step < 1000; step += 1) {
      for (const gate of gates) {
        if (gate.capacity().room > 0 && (await gate.admit()).ok) used += 1;
        await settled();
      }
      clock.advance(5);
    }
    expect(used).toBeGreaterThan(485);
    expect(used).toBeLessThanOrEqual(510);
  });

  test("permits that nobody used go back, and lapse before they can make a burst", async () => {
    const { clock, asks, member } = fleet([{ calls: 40, perMs: DAY }]);
    const gate = member("one");
    expect(await gate.admit()).toMatchObject({ ok: true });
    const unused = await gate.admit();
    if (unused.ok) unused.settle();
    clock.advance(200);
    expect(await gate.admit()).toMatchObject({ ok: true });
    await Promise.resolve();
    expect(asks.flatMap(({ back }) => back).reduce((sum, { permits }) => sum + permits, 0)).toBeGreaterThan(
      0,
    );
    expect((await admitted(gate)) + 2).toBe(40);
  });

  test("one that is told later is heeded by the others when they next ask, and by itself at once", async () => {
    const { clock, member } = fleet([{ calls: 100, perMs: 1000 }]);
    const [one, other] = [member("one"), member("other")];
    const answer = (await one.admit()) as Admission;
    await other.admit();
    answer.settle(throttled);
    await settled();
    expect(one.admit()).toMatchObject({ ok: false, code: "rate_limited", retryAfterMs: 3000 });
    expect(one.capacity()).toEqual({ room: 0, opensAt: clock.now() + 3000 });
    clock.advance(200);
    expect(await other.admit()).toMatchObject({ ok: false });
    expect(other.admit()).toMatchObject({ ok: false, retryAfterMs: 2800 });
    clock.advance(2800);
    expect(await one.admit()).toMatchObject({ ok: true });
    expect(await other.admit()).toMatchObject({ ok: true });
  });

  test("a pause is not prolonged by being passed on", async () => {
    const { clock, member } = fleet([{ calls: 100, perMs: 1000 }]);
    const [one, two] = [member("one"), member("two")];
    ((await one.admit()) as Admission).settle(throttled);
    const until = clock.now() + 3000;
    for (; clock.now() < until; clock.advance(100)) for (const gate of [one, two]) await gate.admit();
    expect(await one.admit()).toMatchObject({ ok: true });
  });
});

describe("what the provider says is left", () => {
  const saying = (remaining: number): Outcome => ({ ...delivered, pace: { remaining, resetsInMs: 5000 } });

  test("closes the account when it is nothing", async () => {
    const { clock, member } = fleet([{ calls: 100, perMs: 1000 }]);
    const [one, other] = [member("one"), member("other")];
    ((await one.admit()) as Admission).settle(saying(0));
    await settled();
    expect(one.admit()).toMatchObject({ ok: false, retryAfterMs: 5000 });
    expect(await other.admit()).toMatchObject({ ok: false });
    clock.advance(5000);
    expect(await one.admit()).toMatchObject({ ok: true });
  });

  test("is no more than is taken, with no limit of ours", async () => {
    const { clock, member } = fleet([]);
    const gate = member("one");
    (gate.admit() as Admission).settle(saying(3));
    expect(gate.capacity().room).toBe(3);
    expect(await admitted(gate)).toBe(3);
    expect(gate.capacity()).toEqual({ room: 0, opensAt: clock.now() + 5000 });
    clock.advance(5000);
    expect(await admitted(gate, 50)).toBe(50);
  });
});

describe("without a limit of ours", () => {
  test("no call waits for the store, which is looked at once a second", () => {
    const { clock, asks, member } = fleet([]);
    const gate = member("one");
    for (let call = 0; call < 1000; call += 1) {
      expect(gate.admit()).toMatchObject({ ok: true });
      clock.advance(3);
    }
    expect(asks.length).toBeLessThanOrEqual(4);
  });

  test("a provider that says later is left alone until then, by the others within a second", async () => {
    const { clock, member } = fleet([]);
    const [one, other] = [member("one"), member("other")];
    await other.admit();
    (one.admit() as Admission).settle(throttled);
    await settled();
    expect(one.admit()).toMatchObject({ ok: false, retryAfterMs: 3000 });
    clock.advance(1000);
    await other.admit();
    await settled();
    expect(other.admit()).toMatchObject({ ok: false, retryAfterMs: 2000 });
  });
});

describe("while the store cannot be reached", () => {
  test("each keeps to its part of the limits, and nobody waits", async () => {
    const limits = [
      { calls: 100, perMs: 1000 },
      { calls: 1000, perMs: DAY },
    ];
    const { clock, network, member } = fleet(limits);
    const gates = ["one", "two", "three", "four"].map((name) => member(name));
    for (const gate of [...gates, ...gates]) await gate.admit();
    network.isUp = false;
    clock.advance(1000);
    let used = 0;
    for (let step = 0; step < 400; step += 1) {
      for (const gate of gates) {
        const answer = gate.admit() as Admission | Refusal;
        expect(answer).not.toBeInstanceOf(Promise);
        if (answer.ok) used += 1;
      }
      clock.advance(100);
    }
    // 40 s at 100/s would be 4000: what is left of the day is less.
    expect(used).toBeGreaterThan(900);
    expect(used).toBeLessThanOrEqual(1000);
    network.isUp = true;
    await gates[0]?.admit();
    for (const gate of gates) {
      void gate.admit();
      await settled();
    }
    expect((await gates[0]?.admit())?.ok).toBe(false);
  });

  test("one that does not answer holds a call up for a moment only", async () => {
    const { network, member } = fleet([{ calls: 100, perMs: 1000 }]);
    const gate = member("one");
    network.isSilent = true;
    const started = performance.now();
    expect(await gate.admit()).toMatchObject({ ok: true });
    expect(performance.now() - started).toBeLessThan(150);
    expect(gate.admit()).not.toBeInstanceOf(Promise);
  });
});
