import { setImmediate as turn } from "node:timers/promises";

import { expect, test } from "vitest";

import { createWorkLoop } from "./work-loop.ts";

/** A queue in memory, whose answers and jobs end when the test says so. */
function newStage(concurrency: number) {
  const waiting: number[] = [];
  const begun: number[] = [];
  const asked: { readonly answer: (job: number | undefined) => void }[] = [];
  const running = new Map<number, (next: number | undefined) => void>();
  const is = { drained: false, held: false, ending: false, hasSlot: true, concurrency };
  const waits: ((isWord: boolean) => void)[] = [];
  const rests: (() => void)[] = [];
  const loop = createWorkLoop<number>({
    concurrency: () => is.concurrency,
    isDrained: () => is.drained,
    isHeld: () => is.held,
    hasSlot: () => is.hasSlot,
    isEnding: () => is.ending,
    wait: () => new Promise((resolve) => void waits.push(resolve)),
    ask: () => new Promise((answer) => void asked.push({ answer })),
    async run(job) {
      begun.push(job);
      return await new Promise((end) => void running.set(job, end));
    },
    rest: () => new Promise((resolve) => void rests.push(resolve)),
  });
  let isEnded = false;
  void loop.ended.then(() => (isEnded = true));
  return {
    loop,
    is,
    begun,
    asked,
    waits,
    rests,
    isEnded: () => isEnded,
    /** They wait from now on. */
    add: (...jobs: readonly number[]) => void waiting.push(...jobs),
    async hear(isWord: boolean): Promise<void> {
      waits.shift()?.(isWord);
      await turn();
    },
    /** Answers to all that was asked. @returns how many those were */
    async answer(): Promise<number> {
      const all = asked.splice(0);
      for (const { answer } of all) {
        const job = waiting.shift();
        is.drained = job === undefined;
        answer(job);
      }
      await turn();
      return all.length;
    },
    async finish(job: number, next?: number): Promise<void> {
      const end = running.get(job) ?? expect.unreachable(`${job} does not run`);
      running.delete(job);
      end(next);
      await turn();
    },
  };
}

test("free slots are filled in steps that double, and never by more than there are", async () => {
  const stage = newStage(10);
  stage.add(...Array.from({ length: 20 }, (_, n) => n));
  stage.loop.look();
  const steps = [];
  for (let n = 0; n < 6; n += 1) steps.push(await stage.answer());
  expect(steps).toEqual([1, 1, 2, 4, 2, 0]);
  expect(stage.begun).toHaveLength(10);
});

test("a job begins when it is here, whatever the others of its step wait for", async () => {
  const stage = newStage(10);
  stage.add(1, 2);
  stage.loop.look();
  await stage.answer();
  await stage.answer();
  expect(stage.asked).toHaveLength(2);
  stage.asked[0]?.answer(3);
  await turn();
  expect(stage.begun).toEqual([1, 2, 3]);
  expect(stage.asked, "one step at a time").toHaveLength(2);
});

test("a drained worker waits for word, and begins with small steps again", async () => {
  const stage = newStage(10);
  stage.add(1, 2, 3);
  stage.loop.look();
  expect([await stage.answer(), await stage.answer(), await stage.answer()]).toEqual([1, 1, 2]);
  expect([stage.asked.length, stage.waits.length]).toEqual([0, 1]);
  await stage.hear(false);
  expect([stage.asked.length, stage.waits.length], "none that came").toEqual([0, 1]);
  stage.add(4, 5, 6);
  await stage.hear(true);
  expect([await stage.answer(), await stage.answer(), await stage.answer()]).toEqual([1, 1, 2]);
  expect(stage.begun).toEqual([1, 2, 3, 4, 5, 6]);
});

test("word that a job waits is kept until it was asked for, though the worker still counts as drained", async () => {
  const stage = newStage(10);
  stage.is.drained = true;
  stage.loop.look();
  stage.is.held = true;
  await stage.hear(true);
  stage.is.held = false;
  stage.add(1);
  stage.rests[0]?.();
  await turn();
  expect(await stage.answer()).toBe(1);
  expect(stage.begun).toEqual([1]);
});

test("a settled job brings the next one, which is run in its slot", async () => {
  const stage = newStage(1);
  stage.add(1, 3);
  stage.loop.look();
  await stage.answer();
  expect(stage.loop.hasRoom()).toBe(true);
  await stage.finish(1, 2);
  expect(stage.begun).toEqual([1, 2]);
  expect(stage.asked).toHaveLength(0);
  await stage.finish(2);
  expect(await stage.answer()).toBe(1);
  expect(stage.begun).toEqual([1, 2, 3]);
});

test("there is no room for a successor while more run than may", async () => {
  const stage = newStage(2);
  stage.add(1, 2);
  stage.loop.look();
  await stage.answer();
  await stage.answer();
  expect(stage.begun).toEqual([1, 2]);
  stage.is.concurrency = 1;
  expect(stage.loop.hasRoom()).toBe(false);
});

test("without a slot nothing is asked until somebody says that there is one", async () => {
  const stage = newStage(10);
  stage.add(1);
  stage.is.hasSlot = false;
  stage.loop.look();
  expect(stage.asked).toHaveLength(0);
  stage.is.hasSlot = true;
  stage.loop.look();
  expect(await stage.answer()).toBe(1);
  expect(stage.begun).toEqual([1]);
});

test("what holds it is waited for once, unless a settled job brings word that it is over", async () => {
  const stage = newStage(2);
  stage.add(1, 2, 3);
  stage.loop.look();
  await stage.answer();
  stage.is.held = true;
  await stage.answer();
  expect(stage.begun).toEqual([1, 2]);
  await stage.finish(1);
  await stage.finish(2);
  expect([stage.asked.length, stage.rests.length]).toEqual([0, 1]);
  stage.is.held = false;
  stage.loop.look();
  expect(await stage.answer()).toBeGreaterThan(0);
  expect(stage.begun).toEqual([1, 2, 3]);
  stage.rests[0]?.();
  await turn();
  expect(stage.rests).toHaveLength(1);
});

test("when nothing holds it any more it asks again", async () => {
  const stage = newStage(2);
  stage.add(1);
  stage.is.held = true;
  stage.loop.look();
  expect(stage.asked).toHaveLength(0);
  stage.is.held = false;
  stage.rests[0]?.();
  await turn();
  expect(await stage.answer()).toBe(1);
});

test("it ends when nothing runs, with what was on its way, and stays ended", async () => {
  const stage = newStage(10);
  stage.add(1, 2);
  stage.loop.look();
  await stage.answer();
  stage.is.ending = true;
  await stage.answer();
  expect(stage.begun, "it was locked already").toEqual([1, 2]);
  await stage.finish(1);
  expect([stage.isEnded(), stage.asked.length]).toEqual([false, 0]);
  await stage.finish(2, 3);
  expect(stage.begun, "Redis has given it").toEqual([1, 2, 3]);
  await stage.finish(3);
  expect(stage.isEnded()).toBe(true);
  stage.is.ending = false;
  stage.loop.look();
  expect(stage.asked).toHaveLength(0);
});

test("it ends at once when it rests", async () => {
  const stage = newStage(1);
  stage.is.held = true;
  stage.loop.look();
  stage.is.ending = true;
  stage.loop.look();
  await turn();
  expect(stage.isEnded()).toBe(true);
});
