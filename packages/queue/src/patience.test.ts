import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { createPatience, type Patience } from "./patience.ts";

let patience: Patience;
beforeEach(() => {
  vi.useFakeTimers();
  patience = createPatience(() => Date.now());
});
afterEach(() => {
  patience.close();
  vi.useRealTimers();
});

/** Begins a wait whose end is written down. */
function waits(ended: string[], name: string, ms: number) {
  return patience.begin(ms, () => ended.push(name));
}

test("a wait is over after its time, and not before", () => {
  const ended: string[] = [];
  const wait = waits(ended, "a", 100);
  vi.advanceTimersByTime(99);
  expect([wait.isOver, ended]).toEqual([false, []]);
  vi.advanceTimersByTime(1);
  expect([wait.isOver, ended]).toEqual([true, ["a"]]);
  vi.advanceTimersByTime(1000);
  expect(ended).toEqual(["a"]);
});

test("who no longer waits is not told", () => {
  const ended: string[] = [];
  const wait = waits(ended, "a", 100);
  wait.end();
  wait.end();
  expect(wait.isOver).toBe(false);
  vi.advanceTimersByTime(1000);
  expect(ended).toEqual([]);
});

test("waits of one length are over in their order, each in its time, at the cost of one timer", () => {
  const ended: string[] = [];
  for (const name of ["a", "b", "c"]) {
    waits(ended, name, 100);
    vi.advanceTimersByTime(10);
  }
  expect(vi.getTimerCount()).toBe(1);
  vi.advanceTimersByTime(70);
  expect(ended).toEqual(["a"]);
  vi.advanceTimersByTime(10);
  expect(ended).toEqual(["a", "b"]);
  vi.advanceTimersByTime(10);
  expect(ended).toEqual(["a", "b", "c"]);
  expect(vi.getTimerCount()).toBe(0);
});

test("a short wait does not wait for a long one, nor for one that has ended", () => {
  const ended: string[] = [];
  waits(ended, "long", 1000);
  const first = waits(ended, "first", 100);
  vi.advanceTimersByTime(50);
  waits(ended, "second", 100);
  first.end();
  vi.advanceTimersByTime(100);
  expect(ended).toEqual(["second"]);
  vi.advanceTimersByTime(900);
  expect(ended).toEqual(["second", "long"]);
});

test("one that begins when all others of its length have ended is over in its time", () => {
  const ended: string[] = [];
  const first = waits(ended, "first", 100);
  vi.advanceTimersByTime(60);
  first.end();
  waits(ended, "second", 100);
  vi.advanceTimersByTime(99);
  expect(ended).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(ended).toEqual(["second"]);
});

test("what is begun or ended by one that is over has its own time", () => {
  const ended: string[] = [];
  patience.begin(100, () => {
    ended.push("first");
    second.end();
    waits(ended, "third", 100);
  });
  const second = waits(ended, "second", 100);
  vi.advanceTimersByTime(100);
  expect(ended).toEqual(["first"]);
  expect(vi.getTimerCount()).toBe(1);
  vi.advanceTimersByTime(100);
  expect(ended).toEqual(["first", "third"]);
});

test("of a thousand that come and go only those that stay are told", () => {
  const ended: string[] = [];
  for (let n = 0; n < 1000; n += 1) {
    const wait = waits(ended, `n-${n}`, 100);
    if (n % 100 !== 0) wait.end();
    vi.advanceTimersByTime(1);
  }
  vi.advanceTimersByTime(100);
  expect(ended).toEqual(Array.from({ length: 10 }, (_, n) => `n-${n * 100}`));
});

test("after its close nobody is told any more", () => {
  const ended: string[] = [];
  waits(ended, "a", 100);
  patience.close();
  vi.advanceTimersByTime(1000);
  expect(ended).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
});
