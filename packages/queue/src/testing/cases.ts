import { FlowProducer } from "bullmq";
import { afterAll, afterEach, beforeEach, expect, vi } from "vitest";

import type { NewJob } from "../new-job.ts";
import { keySpace, without } from "./key-space.ts";
import { openSide, type Side } from "./sides.ts";
import { add, move, type Step } from "./steps.ts";

/** What all that differs only by chance is given: the time, the ids. */
export const START = 1_795_500_000_000;

export interface Sides {
  readonly plain: Side;
  readonly fast: Side;
}

/** For one file of tests, in which the clock stands still. */
export function openSides(): Sides {
  const sides = { plain: openSide(false), fast: openSide(true) };
  beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"] }));
  afterEach(() => void vi.useRealTimers());
  afterAll(() => Promise.all([sides.plain.close(), sides.fast.close()]));
  return sides;
}

export type Scenario = (side: Side) => Promise<unknown>;

/** What our scripts do together leaves what BullMQ's own leave one after the other, and answers the same. */
export async function expectSame({ plain, fast }: Sides, scenario: Scenario): Promise<void> {
  const [byBullmq, byUs] = [await play(plain, scenario), await play(fast, scenario)];
  expect(byUs.answers).toEqual(byBullmq.answers);
  expect(byUs.left).toEqual(byBullmq.left);
}

async function play(side: Side, scenario: Scenario) {
  await side.clear();
  vi.setSystemTime(START);
  const answers = await scenario(side);
  return {
    answers: without(side.family.prefix, answers),
    left: await keySpace(side.redis, side.family.prefix),
  };
}

export function job(id: string, more: Partial<NewJob> = {}): NewJob {
  const data = JSON.stringify({ to: id, list: [], nothing: {}, big: Number.MAX_SAFE_INTEGER });
  return { id, name: "mail", data, timestamp: Date.now(), keepCompletedMs: 86_400_000, ...more };
}

export const times = (count: number): readonly number[] => Array.from({ length: count }, (_, n) => n);
export const jobs = (count: number, more: (n: number) => Partial<NewJob> = () => ({})): readonly NewJob[] =>
  times(count).map((n) => job(`job-${n}`, more(n)));
export const kinds = [{}, { delayMs: 500 }, { priority: 7 }, { delayMs: 10, priority: 3 }] as const;

export const fetches = (count: number): readonly Step[] =>
  times(count).map((n) => ({ do: "fetch", token: `token-${n}` }));
type Moving = Extract<Step, { readonly fetch?: boolean }>;
/** By whom fetched it, when all were fetched in their order. */
const by = (n: number): Pick<Moving, "id" | "token"> => ({ id: `job-${n}`, token: `token-${n}` });
export const complete = (n: number, more: Partial<Extract<Step, { do: "complete" }>> = {}): Step => ({
  do: "complete",
  ...by(n),
  ...more,
});
export const fail = (n: number, more: Partial<Extract<Step, { do: "fail" }>> = {}): Step => ({
  do: "fail",
  ...by(n),
  ...more,
});
export const delay = (
  n: number,
  delayMs: number,
  more: Partial<Extract<Step, { do: "delay" }>> = {},
): Step => ({
  do: "delay",
  ...by(n),
  delayMs,
  ...more,
});

/** Some jobs, the first of which are being run. */
export function running(count: number, waiting = 0, more?: (n: number) => Partial<NewJob>) {
  return async (side: Side): Promise<void> => {
    await add(side, jobs(count + waiting, more));
    await move(side, fetches(count));
  };
}

export const later = (ms: number) => () => {
  vi.setSystemTime(Date.now() + ms);
  return Promise.resolve();
};
export const all =
  (...scenarios: readonly Scenario[]): Scenario =>
  async (side) => {
    for (const scenario of scenarios) await scenario(side);
  };
export const fetchMore = (count: number): readonly Step[] =>
  times(count).map((n) => ({ do: "fetch", token: `more-${n}` }));

export async function addFlow(side: Side): Promise<void> {
  // On a connection that has sent no script yet: in a transaction one that the server forgot would be missing.
  const flows = new FlowProducer({ connection: { url: side.redisUrl }, prefix: side.family.prefix });
  const child = (n: number) => ({
    name: "child",
    queueName: side.family.name,
    data: {},
    opts: { jobId: `child-${n}`, timestamp: START },
  });
  await flows.add({
    name: "parent",
    queueName: side.family.name,
    data: {},
    opts: { jobId: "parent", timestamp: START },
    children: [child(1), child(2)],
  });
  await flows.close();
}
