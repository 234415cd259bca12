import type { Admission, Gate, Refusal } from "@understudy/core";
import { createVirtualClock } from "@understudy/testkit";
import { expect, test } from "vitest";

import { createMemoryPaceStore } from "./memory-store.ts";
import { createRetryBudget } from "./retry-budget.ts";

const retry = { cost: 1, isRetry: true };

async function retries(gate: Gate, most: number): Promise<number> {
  let admitted = 0;
  for (let call = 0; call < most; call += 1) if ((await gate.admit(retry)).ok) admitted += 1;
  return admitted;
}

test("first tries always pass, and the fetch door stays open for them", () => {
  const gate = createRetryBudget({ now: createVirtualClock().now, random: () => 0 });
  for (let call = 0; call < 500; call += 1) expect(gate.admit()).toMatchObject({ ok: true });
  expect(gate.capacity().room).toBe(Infinity);
});

test("a quiet queue can retry at all, and then no more than its share", async () => {
  const clock = createVirtualClock();
  const gate = createRetryBudget({ now: clock.now, random: () => 0.5 });
  expect(await retries(gate, 50)).toBe(10);
  for (let call = 0; call < 100; call += 1) void gate.admit();
  expect(await retries(gate, 50)).toBe(20);
  expect(await gate.admit(retry)).toMatchObject({ ok: false, code: "retry_budget" });
});

test("a first try that was not made earns nothing, and a retry that was not made costs nothing", async () => {
  const gate = createRetryBudget({
    now: createVirtualClock().now,
    random: () => 0,
    options: { minPerSecond: 0.1 },
  });
  for (let call = 0; call < 100; call += 1) (gate.admit() as Admission).settle();
  expect(await retries(gate, 5)).toBe(1);
  const other = createRetryBudget({
    now: createVirtualClock().now,
    random: () => 0,
    options: { minPerSecond: 0.1 },
  });
  ((await other.admit(retry)) as Admission).settle();
  expect(await retries(other, 5)).toBe(1);
});

test("over any window a fleet's retries keep to their share of its first tries and the floor", async () => {
  const clock = createVirtualClock();
  const books = createMemoryPaceStore(clock.now);
  const gates = ["one", "two", "three"].map((self) =>
    createRetryBudget({
      now: clock.now,
      random: () => 0.5,
      shared: { store: books(self), provider: "a", isReachable: () => true },
    }),
  );
  const tried: { readonly at: number; readonly firsts: number; readonly again: number }[] = [];
  for (let step = 0; step < 600; step += 1) {
    let again = 0;
    const firsts = step < 300 ? 30 : 0;
    for (const gate of gates) {
      for (let call = 0; call < firsts / 3; call += 1) await gate.admit();
      const answer = gate.admit(retry);
      if ((await answer).ok) again += 1;
    }
    tried.push({ at: clock.now(), firsts, again });
    clock.advance(50);
  }
  const sum = (from: number, to: number, of: "firsts" | "again"): number =>
    tried.filter(({ at }) => at > from && at <= to).reduce((total, one) => total + one[of], 0);
  for (const { at } of tried.filter(({ again }) => again > 0)) {
    const most = 0.2 * sum(at - 12_000, at, "firsts") + 10;
    // A few may lie in the hands of the three.
    expect(sum(at - 10_000, at, "again")).toBeLessThanOrEqual(most + 3);
  }
  expect(sum(0, Infinity, "again")).toBeGreaterThan(500);
}, 20_000);

test("those who come in vain are spread out the further, the more of them there are", async () => {
  const clock = createVirtualClock();
  const gate = createRetryBudget({ now: clock.now, random: () => 0.5 });
  await retries(gate, 10);
  const waits: number[] = [];
  for (let step = 0; step < 200; step += 1) {
    for (let call = 0; call < 50; call += 1)
      waits.push(((await gate.admit(retry)) as Refusal).retryAfterMs ?? 0);
    clock.advance(500);
  }
  expect(waits[0]).toBe(1000);
  expect(Math.max(...waits)).toBeGreaterThan(30_000);
});

test("alone it keeps to its own first tries and its part of the floor", async () => {
  const clock = createVirtualClock();
  const network = { isUp: true };
  const books = createMemoryPaceStore(clock.now);
  const gates = ["one", "two"].map((self) =>
    createRetryBudget({
      now: clock.now,
      random: () => 0.5,
      shared: { store: books(self), provider: "a", isReachable: () => network.isUp },
    }),
  );
  for (const gate of [...gates, ...gates]) await gate.admit(retry);
  network.isUp = false;
  clock.advance(1000);
  const [one] = gates;
  expect(one === undefined ? 0 : await retries(one, 20)).toBe(5);
  for (let call = 0; call < 50; call += 1) void one?.admit();
  expect(one === undefined ? 0 : await retries(one, 20)).toBe(10);
});
