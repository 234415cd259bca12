import { createVirtualClock, until } from "@understudy/testkit";
import { expect, test } from "vitest";

import { createSlots } from "./slots.ts";

/** A queue whose jobs usually take 100 ms. */
function slots(concurrency: number) {
  const clock = createVirtualClock();
  const one = createSlots(concurrency, clock.now);
  for (let n = 0; n < 200; n += 1) {
    one.take("usual");
    clock.advance(100);
    one.giveBack("usual");
  }
  return { clock, one };
}

test("a job that takes far longer than usual gives its slot up", () => {
  const { clock, one } = slots(2);
  one.take("a");
  one.take("b");
  expect(one.free()).toBe(0);
  clock.advance(500);
  expect(one.free()).toBe(0);
  clock.advance(500);
  expect(one.free()).toBe(2);
});

test("jobs that hang do not change what is usual", () => {
  const { clock, one } = slots(3);
  for (const id of ["a", "b", "c"]) one.take(id);
  clock.advance(60_000);
  for (const id of ["a", "b", "c"]) one.giveBack(id);
  one.take("d");
  clock.advance(1100);
  expect(one.free()).toBe(3);
});

test("whoever watches is told once when a slot is given up, and not after it was shut", async () => {
  const real = createSlots(1, Date.now);
  for (let n = 0; n < 200; n += 1) {
    real.take("quick");
    real.giveBack("quick");
  }
  real.take("a");
  let told = 0;
  real.watch(() => (told += 1));
  real.watch(() => (told += 1));
  await until("it is told", () => told > 0);
  expect(told).toBe(1);
  expect(real.free()).toBe(1);
  real.watch(() => (told += 1));
  real.shut();
  expect(told).toBe(1);
});

test("a job that is taken twice has one slot, and one that was never taken gives none back", () => {
  const { one } = slots(2);
  one.take("a");
  one.take("a");
  one.giveBack("stranger");
  expect(one.free()).toBe(1);
});
