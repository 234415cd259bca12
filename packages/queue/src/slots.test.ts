import { createVirtualClock } from "@understudy/testkit";
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

test("a job that takes far longer than usual gives its slot up, and whoever waits gets it", async () => {
  const { clock, one } = slots(2);
  one.take("a");
  one.take("b");
  expect(one.free()).toBe(0);
  clock.advance(500);
  expect(one.free()).toBe(0);
  clock.advance(500);
  expect(one.free()).toBe(2);
  expect(await one.wait(1)).toBe(true);
  expect(await one.wait(0)).toBe(true);
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

test("the end of a job lets those go who wait, and so does shutting", async () => {
  const { one } = slots(1);
  one.take("a");
  const ended = one.wait(0);
  one.giveBack("a");
  expect(await ended).toBe(false);
  one.take("b");
  const shut = one.wait(0);
  one.shut();
  expect(await shut).toBe(false);
  expect(await one.wait(0)).toBe(false);
});

test("a job that is taken twice has one slot, and one that was never taken gives none back", () => {
  const { one } = slots(2);
  one.take("a");
  one.take("a");
  one.giveBack("stranger");
  expect(one.free()).toBe(1);
});
