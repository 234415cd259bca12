import * as fc from "fast-check";
import { expect, test, vi } from "vitest";

import type { NewJob } from "../new-job.ts";
import { job, openSides, type Scenario, START } from "../testing/cases.ts";
import { keySpace, without } from "../testing/key-space.ts";
import type { MoverOptions, Side } from "../testing/sides.ts";
import { add, addTogether, move, type Step } from "../testing/steps.ts";

/** Whatever is done, in whatever order: what BullMQ leaves one by one is what is left when it is done together. */
const { plain, fast } = openSides();

const IDS = Array.from({ length: 14 }, (_, n) => `job-${n}`);
const anyId = fc.constantFrom(...IDS);
const anyData = fc.constantFrom('{"a":1}', "[]", "", '"\u{1F600}"');
const often = (yes: number) => fc.integer({ min: 1, max: 10 }).map((n) => n <= yes);

const anyJob: fc.Arbitrary<NewJob> = fc
  .record({
    id: anyId,
    delayMs: fc.constantFrom(0, 0, 0, 0, 1, 2, 40, 5000),
    priority: fc.constantFrom(0, 0, 0, 1, 2, 9),
    data: anyData,
    keepCompletedMs: fc.constantFrom(1000, 60_000),
  })
  // A job's time is the time of its adding.
  .map(({ id, ...more }) => ({ ...job(id), ...more, timestamp: 0 }));

/** A move that is meant for a job that runs, if there is one more that does; else, or by mistake, for any. */
interface Meant {
  readonly step: Step;
  readonly isMistaken: boolean;
  readonly which: number;
}

type Keep = Extract<Step, { readonly do: "complete" }>["keep"];
const keeps: readonly Keep[] = [
  false,
  false,
  true,
  0,
  2,
  ...[60, 3, 1, 0].map((age) => ({ age })),
  { age: 2, count: 3 },
  { age: 1, limit: 1 },
];
const anyKeep = fc.constantFrom(...keeps);
const token = fc.constantFrom("t-0", "t-1", "t-2", "t-3", "t-4", "t-5");
const moving = { id: anyId, token, fetch: often(6), data: fc.constantFrom(undefined, "[1]", '{"b":2}') };
const lateMs = fc.constantFrom(0, 0, 0, 1, 2);
const anyStep = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant("fetch" as const), token }) },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant("complete" as const), ...moving, keep: anyKeep, lateMs }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("fail" as const), ...moving }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("delay" as const),
      ...moving,
      delayMs: fc.constantFrom(0, 0, 1, 2, 50),
      spendsAttempt: fc.boolean(),
    }),
  },
) as fc.Arbitrary<Step>;
const anyMeant: fc.Arbitrary<Meant> = fc.record({
  step: anyStep,
  isMistaken: often(1),
  which: fc.nat({ max: 20 }),
});

type Turn =
  | { readonly at: "add"; readonly jobs: readonly NewJob[]; readonly isOne: boolean }
  | { readonly at: "move"; readonly meant: readonly Meant[]; readonly by: number }
  | { readonly at: "wait"; readonly ms: number }
  | { readonly at: "else"; readonly name: keyof typeof others; readonly id: string };

/** What others do meanwhile, all of it by BullMQ. */
const others = {
  pause: ({ queue }: Side) => queue.pause(),
  resume: ({ queue }: Side) => queue.resume(),
  limitConcurrency: ({ queue }: Side) => queue.setGlobalConcurrency(2),
  unlimitConcurrency: ({ queue }: Side) => queue.removeGlobalConcurrency(),
  limitRate: ({ queue }: Side) => queue.setGlobalRateLimit(4, 60_000),
  unlimitRate: ({ queue }: Side) => queue.removeGlobalRateLimit(),
  drain: ({ queue }: Side) => queue.drain(),
  remove: (side: Side, id: string) => side.queue.remove(id),
  promote: async (side: Side, id: string) => await (await side.queue.getJob(id))?.promote(),
  retry: async (side: Side, id: string) => await (await side.queue.getJob(id))?.retry("failed"),
  loseLock: (side: Side, id: string) => side.redis.del(side.key(`${id}:lock`)),
  loseHash: (side: Side, id: string) => side.redis.del(side.key(id)),
  loseMarker: (side: Side) => side.redis.del(side.key("marker")),
  addParent: (side: Side, id: string) =>
    side.queue.add(
      "child",
      {},
      { jobId: `of-${id}`, timestamp: Date.now(), parent: { id, queue: side.key("").slice(0, -1) } },
    ),
  deduplicate: (side: Side, id: string) =>
    side.queue.add(
      "mail",
      {},
      { jobId: id, timestamp: Date.now(), deduplication: { id: "d", keepLastIfActive: id > "job-5" } },
    ),
  addLast: (side: Side, id: string) =>
    side.queue.add("mail", {}, { jobId: id, timestamp: Date.now(), lifo: true }),
  oldMarker: (side: Side) => side.redis.rpush(side.key("wait"), "0:5"),
  checkStalled: async (side: Side) => {
    await side.redis.del(side.key("stalled-check"));
    await side.mover.backend.moveStalledJobsToWait();
    await side.redis.del(side.key("stalled-check"));
  },
} satisfies Record<string, (side: Side, id: string) => Promise<unknown>>;

const workers: readonly MoverOptions[] = [
  {},
  { name: "worker one" },
  { limiter: { max: 5, duration: 60_000 } },
  { metrics: { maxDataPoints: 4 } },
];

const anyTurn: fc.Arbitrary<Turn> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      at: fc.constant("add" as const),
      jobs: fc.array(anyJob, { minLength: 1, maxLength: 8 }),
      isOne: fc.boolean(),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      at: fc.constant("move" as const),
      meant: fc.array(anyMeant, { minLength: 1, maxLength: 8 }),
      by: fc.constantFrom(0, 0, 0, 0, 0, 0, 1, 2, 3),
    }),
  },
  {
    weight: 2,
    // None of them, nor two, is just about the age at which a completed job goes: ours may go a moment later.
    arbitrary: fc.record({ at: fc.constant("wait" as const), ms: fc.constantFrom(1, 2, 45, 1600, 61_000) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      at: fc.constant("else" as const),
      name: fc.constantFrom(...(Object.keys(others) as (keyof typeof others)[])),
      id: anyId,
    }),
  },
);

const movers = new Map(
  [plain, fast].map((side) => [side, workers.map((options) => side.moverWith(options))]),
);

/** Who runs which job: the same on both sides as long as they agree. */
async function activeIn(side: Side): Promise<readonly (readonly [string, string])[]> {
  const ids = await side.redis.lrange(side.key("active"), 0, -1);
  const tokens = ids.length === 0 ? [] : await side.redis.mget(ids.map((id) => side.key(`${id}:lock`)));
  return ids.map((id, n) => [id, tokens[n] ?? "t-0"]);
}

async function stepsFor(meant: readonly Meant[]): Promise<readonly Step[]> {
  const active = [...(await activeIn(plain))];
  return meant.map(({ step, isMistaken, which }) => {
    if (step.do === "fetch" || step.do === "log" || isMistaken) return step;
    const [one] = active.splice(which % Math.max(active.length, 1), 1);
    return one === undefined ? step : { ...step, id: one[0], token: one[1] };
  });
}

async function scenarioOf(turn: Turn): Promise<Scenario> {
  switch (turn.at) {
    case "add": {
      const timestamp = Date.now();
      const jobs = turn.jobs.map((one) => ({ ...one, timestamp }));
      return (side) => (turn.isOne ? addTogether(side, jobs) : add(side, jobs));
    }
    case "move": {
      const steps = await stepsFor(turn.meant);
      return (side) => move(side, steps, movers.get(side)?.[turn.by]);
    }
    case "wait":
      vi.setSystemTime(Date.now() + turn.ms);
      return () => Promise.resolve();
    case "else":
      return async (side) => {
        try {
          await others[turn.name](side, turn.id);
          return "done";
        } catch (error) {
          return String(error);
        }
      };
  }
}

test("whatever is done together leaves what is left when BullMQ does it one by one", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyTurn, { minLength: 3, maxLength: 16 }), async (turns) => {
      await Promise.all([plain.clear(), fast.clear()]);
      vi.setSystemTime(START);
      for (const turn of turns) {
        const scenario = await scenarioOf(turn);
        const [byBullmq, byUs] = [await scenario(plain), await scenario(fast)];
        expect(without(fast.family.prefix, byUs)).toEqual(without(plain.family.prefix, byBullmq));
      }
      const left = await keySpace(plain.redis, plain.family.prefix);
      expect(await keySpace(fast.redis, fast.family.prefix)).toEqual(left);
    }),
    { numRuns: 100 },
  );
});
