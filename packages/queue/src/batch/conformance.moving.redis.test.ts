import { describe, expect, test } from "vitest";

import {
  addFlow,
  all,
  complete,
  delay,
  fail,
  fetches,
  fetchMore,
  job,
  jobs,
  kinds,
  later,
  openSides,
  running,
  expectSame,
  type Scenario,
  START,
  times,
} from "../testing/cases.ts";
import type { MoverOptions, Side } from "../testing/sides.ts";
import { add, move, type Step } from "../testing/steps.ts";

/** BullMQ is the judge of what workers leave whose moves go together. */
const sides = openSides();

const KEEP = { age: 86_400 };

interface Case {
  readonly prepare: Scenario;
  readonly steps: readonly Step[];
  readonly options?: MoverOptions;
}

describe("moving", () => {
  const cases: Readonly<Record<string, Case>> = {
    "fetches from an empty queue": { prepare: all(), steps: fetches(3) },
    "fetches in order, and more than there are": {
      prepare: (side) => add(side, jobs(8)),
      steps: fetches(12),
    },
    "fetches by a named worker": {
      prepare: (side) => add(side, jobs(3)),
      steps: times(3).map((n) => ({ do: "fetch", token: `token-${n}`, name: "worker one" })),
    },
    "fetches of ordinary, prioritized and delayed jobs": {
      prepare: (side) =>
        add(
          side,
          jobs(20, (n) => kinds[n % 4] ?? {}),
        ),
      steps: fetches(20),
    },
    "fetches when delayed jobs have become due": {
      prepare: all(
        (side) =>
          add(
            side,
            jobs(20, (n) => kinds[n % 4] ?? {}),
          ),
        later(400),
      ),
      steps: fetches(20),
    },
    "fetches when all delayed jobs have become due": {
      prepare: all(
        (side) =>
          add(
            side,
            jobs(20, (n) => kinds[n % 4] ?? {}),
          ),
        later(5000),
      ),
      steps: fetches(24),
    },
    "fetches when only delayed jobs wait": {
      prepare: (side) =>
        add(
          side,
          jobs(3, (n) => ({ delayMs: 50 + n })),
        ),
      steps: fetches(2),
    },
    "fetches of ids whose hashes are gone": {
      prepare: all(
        (side) => add(side, jobs(6)),
        (side) => side.redis.del(side.key("job-1"), side.key("job-4")),
      ),
      steps: fetches(7),
    },
    "fetches past a marker of an older BullMQ": {
      prepare: all(
        (side) => add(side, jobs(2)),
        (side) => side.redis.rpush(side.key("wait"), "0:123"),
        (side) => side.redis.lpush(side.key("wait"), "0:456"),
        (side) => add(side, [job("job-9"), job("job-8", { priority: 2 })]),
      ),
      steps: fetches(6),
    },
    "fetches with a marker only": {
      prepare: (side) => side.redis.rpush(side.key("wait"), "0:0"),
      steps: fetches(2),
    },
    "fetches past a poisoned job": {
      prepare: all(
        (side) => add(side, jobs(3)),
        (side) => side.redis.del(side.key("job-1")),
        (side) => side.redis.set(side.key("job-1"), "not a hash"),
      ),
      steps: fetches(4),
    },
    "a job that was started nobody knows how often": {
      prepare: all(running(2, 4), (side) => side.redis.hset(side.key("job-3"), "ats", "x")),
      steps: [complete(0, { fetch: true }), complete(1, { fetch: true }), ...fetchMore(2)],
    },
    "fetches of a paused queue": {
      prepare: all(running(2, 3), ({ queue }) => queue.pause()),
      steps: [...fetchMore(2), complete(0, { fetch: true }), complete(1, { fetch: true })],
    },
    "fetches from a queue that was resumed": {
      prepare: all(
        running(2, 3),
        ({ queue }) => queue.pause(),
        ({ queue }) => queue.resume(),
      ),
      steps: [complete(0, { fetch: true }), ...fetchMore(2)],
    },
    "fetches up to the queue's concurrency": {
      prepare: all(
        (side) => add(side, jobs(9)),
        ({ queue }) => queue.setGlobalConcurrency(3),
      ),
      steps: fetches(5),
    },
    "completions at the queue's concurrency": {
      prepare: all(running(3, 9), ({ queue }) => queue.setGlobalConcurrency(2)),
      steps: [complete(0, { fetch: true }), complete(1, { fetch: true }), complete(2), ...fetchMore(2)],
    },
    "fetches up to the queue's rate": {
      prepare: all(
        (side) => add(side, jobs(9)),
        ({ queue }) => queue.setGlobalRateLimit(3, 60_000),
      ),
      steps: fetches(5),
    },
    "completions within and beyond the queue's rate": {
      prepare: all(({ queue }) => queue.setGlobalRateLimit(4, 60_000), running(3, 9)),
      steps: times(3).map((n) => complete(n, { fetch: true })),
    },
    "fetches up to the worker's rate": {
      prepare: (side) => add(side, jobs(9)),
      steps: fetches(5),
      options: { limiter: { max: 3, duration: 60_000 } },
    },
    "completions beyond the worker's rate": {
      prepare: running(4, 9),
      steps: times(4).map((n) => complete(n, { fetch: true })),
      options: { limiter: { max: 2, duration: 60_000 } },
    },

    "completions, the last of which drains the queue": {
      prepare: running(5),
      steps: times(5).map((n) => complete(n)),
    },
    "completions with fetch, until it is drained": {
      prepare: running(5, 3),
      steps: times(5).map((n) => complete(n, { fetch: true })),
    },
    "completions with and without data": {
      prepare: running(6, 6),
      steps: times(6).map((n) =>
        complete(n, { fetch: n % 3 === 0, ...(n % 2 === 0 ? { data: `{"trail":[${n}]}` } : {}) }),
      ),
    },
    "completions with any value": {
      prepare: running(6),
      steps: [null, "", "!", ["="], "\u{1F600}\n", { deep: { deeper: [] } }].map((value, n) =>
        complete(n, { value }),
      ),
    },
    "completions that keep nothing": {
      prepare: running(4, 4),
      steps: [true, 0, { count: 0 }, { count: 0, age: 5 }].map((keep, n) =>
        complete(n, { keep, fetch: n > 1 }),
      ),
    },
    "completions that keep some": {
      prepare: running(6, 2),
      steps: [2, 1, { count: 3 }, { count: 2, age: 60 }, false, 3].map((keep, n) =>
        complete(n, { keep, fetch: n > 3 }),
      ),
    },
    "completions that keep by age": {
      prepare: all(
        running(8, 2),
        (side) =>
          move(
            side,
            times(4).map((n) => complete(n)),
          ),
        later(10_000),
      ),
      steps: times(4).map((n) => complete(4 + n, { keep: { age: 5 }, fetch: true })),
    },
    "completions of several ages": {
      prepare: all(
        running(9, 2),
        ...times(4).map((n): Scenario => all((side) => move(side, [complete(n)]), later(10_000))),
      ),
      steps: [90, 25, 90, 15, 90].map((age, n) => complete(4 + n, { keep: { age }, fetch: true })),
    },
    "completions of which the last removes least": {
      prepare: all(
        running(8, 2),
        ...times(4).map((n) => all((side) => move(side, [complete(n)]), later(10_000))),
      ),
      steps: [90, 25, 90, 35].map((age, n) => complete(4 + n, { keep: { age } })),
    },
    "completions that keep none of any age": {
      prepare: all(running(6, 2), (side) => move(side, [complete(0), complete(1)])),
      steps: [
        complete(2, { keep: { age: 0 } }),
        complete(3),
        complete(4, { keep: { age: 90 } }),
        complete(5),
      ],
    },
    "completions that remove only so many old ones": {
      prepare: all(
        running(9, 2),
        (side) =>
          move(
            side,
            times(6).map((n) => complete(n)),
          ),
        later(10_000),
      ),
      steps: times(3).map((n) => complete(6 + n, { keep: { age: 5, limit: 1 } })),
    },
    "completions with logs": {
      prepare: all(running(3, 2), (side) => move(side, [{ do: "log", id: "job-0", lines: ["before"] }])),
      steps: [
        { do: "log", id: "job-0", lines: ["one", "two"] },
        complete(0, { fetch: true }),
        { do: "log", id: "job-1", lines: ["1", "2", "3", "4", "5"] },
        complete(1, { keep: true }),
        { do: "log", id: "job-0", lines: ["after"] },
        { do: "log", id: "job-2", lines: ["\u{1F600}", "a\nb", "☃"] },
      ],
    },
    "completions that bring their logs": {
      prepare: running(4, 2),
      steps: [
        complete(0, { log: ["one", "two \u{1F600}"], fetch: true }),
        complete(1, { log: times(120).map(String) }),
        complete(2, { log: ["gone with its job"], keep: true }),
        complete(3, { log: ["by BullMQ"], keep: 3, fetch: true }),
      ],
    },
    "completions while others wait by priority": {
      prepare: running(3, 9, (n) => (n < 3 ? {} : (kinds[n % 4] ?? {}))),
      steps: times(3).map((n) => complete(n, { fetch: true })),
    },
    "completions when delayed jobs become due": {
      prepare: all(
        running(3, 9, (n) => (n < 3 ? {} : (kinds[n % 4] ?? {}))),
        later(600),
      ),
      steps: [...times(3).map((n) => complete(n, { fetch: true })), ...fetchMore(9)],
    },
    "completions by a named worker": {
      prepare: running(3, 3),
      steps: times(3).map((n) => complete(n, { fetch: true })),
      options: { name: "worker one" },
    },
    "completions that are counted": {
      prepare: all(
        running(5, 3),
        (side) => move(side, [complete(4)], side.moverWith({ metrics: { maxDataPoints: 5 } })),
        later(200_000),
      ),
      steps: times(4).map((n) => complete(n, { fetch: n > 1 })),
      options: { metrics: { maxDataPoints: 5 } },
    },
    "completions that are counted in no points": {
      prepare: running(2),
      steps: times(2).map((n) => complete(n)),
      options: { metrics: { maxDataPoints: 0 } },
    },
    "completions between whose moments delayed jobs become due": {
      prepare: all(
        running(4, 8, (n) => (n < 4 || n > 7 ? {} : { delayMs: n - 3, priority: n % 2 })),
        (side) => side.redis.del(side.key("marker")),
      ),
      steps: times(4).map((n) => complete(n, { fetch: true, lateMs: n })),
    },
    "fetches that wake the next worker": {
      prepare: all(
        (side) => add(side, jobs(4)),
        (side) => side.redis.del(side.key("marker")),
      ),
      steps: fetches(2),
    },
    "a fetch that wakes the next worker": {
      prepare: all(
        (side) => add(side, jobs(4)),
        (side) => side.redis.del(side.key("marker")),
      ),
      steps: fetches(1),
    },
    "completions with a marker before the next job": {
      prepare: all(running(3, 3), (side) => side.redis.rpush(side.key("wait"), "0:77")),
      steps: times(3).map((n) => complete(n, { fetch: true })),
    },
    "completions with a marker of no job": {
      prepare: all(running(3), (side) => side.redis.rpush(side.key("wait"), "0:0")),
      steps: times(3).map((n) => complete(n, { fetch: true })),
    },

    "completions with a wrong token": {
      prepare: running(4, 4),
      steps: times(4).map((n) => complete(n, { fetch: true, ...(n % 2 === 0 ? { token: "not mine" } : {}) })),
    },
    "moves without a lock": {
      prepare: all(running(4, 4), (side) =>
        side.redis.del(...times(3).map((n) => side.key(`job-${n}:lock`))),
      ),
      steps: [complete(0, { fetch: true }), fail(1), delay(2, 5), complete(3, { fetch: true })],
    },
    "moves with the token of nobody": {
      prepare: running(4, 4),
      steps: [
        complete(0, { token: "0", fetch: true }),
        complete(1, { token: "0" }),
        { do: "fetch", token: "0" },
      ],
    },
    "moves of jobs that are not active": {
      prepare: all(running(4, 4), (side) => side.redis.lrem(side.key("active"), 0, "job-1")),
      steps: [
        complete(0),
        complete(1, { fetch: true, data: "1" }),
        complete(5),
        fail(6),
        delay(7, 0),
        complete(2),
      ],
    },
    "moves of jobs that are gone": {
      prepare: all(running(4, 4), (side) => side.redis.del(...times(3).map((n) => side.key(`job-${n}`)))),
      steps: [complete(0, { fetch: true }), fail(1), delay(2, 0), complete(3, { fetch: true }), complete(99)],
    },
    "moves of a poisoned job": {
      prepare: all(
        running(4, 4),
        (side) => side.redis.del(side.key("job-1")),
        (side) => side.redis.set(side.key("job-1"), "not a hash"),
      ),
      steps: [complete(0, { fetch: true }), complete(1, { data: "1" }), complete(2, { fetch: true })],
    },
    "a poisoned job without a lock": {
      prepare: (side) => side.redis.set(side.key("job-1"), "not a hash"),
      steps: [complete(1)],
    },
    "the same job twice": {
      prepare: running(2, 3),
      steps: [
        complete(0, { fetch: true }),
        complete(0, { fetch: true }),
        fail(0),
        delay(0, 1),
        complete(1),
        fail(1),
      ],
    },
    "a job fetched and completed in the same call": {
      prepare: (side) => add(side, jobs(4)),
      steps: [
        { do: "fetch", token: "token-0" },
        complete(0, { fetch: true }),
        { do: "complete", id: "job-1", token: "token-0", fetch: true },
        { do: "delay", id: "job-2", token: "token-0", delayMs: 0, fetch: true },
        complete(3),
      ],
    },

    "failures with and without fetch": {
      prepare: running(5, 2),
      steps: [
        fail(0),
        fail(1, { fetch: true, data: `{"end":1}` }),
        fail(2, { fetch: true }),
        fail(3, { fetch: true }),
        fail(4),
      ],
    },
    "failures that keep nothing or few, and are not the last attempt": {
      prepare: running(5),
      steps: [
        fail(0, { keep: true }),
        fail(1, { keep: 1 }),
        fail(2, { keep: { age: 1 } }),
        fail(3, { attempts: 3 }),
        fail(4),
      ],
    },
    "failures and completions by turns": {
      prepare: running(8, 8),
      steps: times(8).map((n) => (n % 2 === 0 ? complete(n, { fetch: true }) : fail(n, { fetch: true }))),
    },
    "retries after a while, with and without an attempt": {
      prepare: running(6, 4),
      steps: times(6).map((n) =>
        delay(n, 100 * n + 1, { spendsAttempt: n % 2 === 0, fetch: n % 3 === 0, data: `{"n":${n}}` }),
      ),
    },
    "retries at once, fetched in the same call": {
      prepare: running(3),
      steps: [delay(0, 0, { fetch: true }), delay(1, 0), ...fetchMore(2), complete(2, { fetch: true })],
    },
    "retries, completions, failures and fetches by turns": {
      prepare: all(
        running(12, 12, (n) => (n < 12 ? {} : (kinds[n % 4] ?? {}))),
        later(300),
      ),
      steps: times(12).flatMap((n): readonly Step[] => [
        n % 3 === 0
          ? complete(n, { fetch: true })
          : n % 3 === 1
            ? fail(n, { fetch: n % 2 === 0 })
            : delay(n, n % 2, { fetch: true }),
        { do: "fetch", token: `more-${n}` },
      ]),
    },

    "a parent with pending children, and one whose child has failed": {
      prepare: all(
        running(3, 1),
        (side) => side.redis.sadd(side.key("job-0:dependencies"), side.key("child")),
        (side) => side.redis.zadd(side.key("job-1:unsuccessful"), 1, side.key("child")),
      ),
      steps: times(3).map((n) => complete(n, { fetch: true })),
    },
    "children of a flow, the last of which releases the parent": {
      prepare: all(addFlow, (side) => move(side, fetches(2))),
      steps: [
        { do: "complete", id: "child-1", token: "token-0", fetch: true },
        { do: "complete", id: "child-2", token: "token-1", fetch: true },
        { do: "fetch", token: "token-2" },
        { do: "complete", id: "parent", token: "token-2" },
      ],
    },
    "a child of a flow that is removed when it completes": {
      prepare: all(addFlow, (side) => move(side, fetches(2))),
      steps: [
        { do: "complete", id: "child-1", token: "token-0", keep: true, fetch: true },
        { do: "fail", id: "child-2", token: "token-1", fetch: true },
      ],
    },
    "jobs with a deduplication id": {
      prepare: all(
        (side) =>
          side.queue.addBulk(
            times(4).map((n) => ({
              name: "mail",
              data: { n },
              opts: { jobId: `job-${n}`, timestamp: START, deduplication: { id: `d-${n % 3}` } },
            })),
          ),
        (side) => move(side, fetches(3)),
      ),
      steps: times(3).map((n) => complete(n, { fetch: true })),
    },
    "a deduplicated job that comes back when the first has completed": {
      prepare: async (side) => {
        const one = (n: number) =>
          side.queue.add(
            "mail",
            { n },
            { jobId: `job-${n}`, timestamp: START, deduplication: { id: "d", keepLastIfActive: true } },
          );
        await one(0);
        await move(side, fetches(1));
        await one(1);
        await one(2);
      },
      steps: [complete(0, { fetch: true }), { do: "fetch", token: "token-9" }],
    },

    "jobs that were lost with their worker": {
      prepare: all(running(4, 2), lose("job-1", "job-2"), check, check),
      steps: [...fetchMore(3), complete(0, { fetch: true }), complete(1, { fetch: true }), complete(3)],
    },
    "jobs that were lost too often": {
      prepare: all(
        running(2, 1),
        lose("job-0"),
        check,
        check,
        (side) => move(side, [{ do: "fetch", token: "again" }]),
        lose("job-0"),
        check,
        check,
      ),
      steps: [
        { do: "fetch", token: "third" },
        { do: "complete", id: "job-0", token: "third" },
        complete(1, { fetch: true }),
      ],
    },
    "jobs that are marked as perhaps lost": {
      prepare: all(running(4, 2), check),
      steps: [complete(0, { fetch: true }), fail(1), delay(2, 5), ...fetchMore(1)],
    },
    "jobs that were removed meanwhile": {
      prepare: all(
        running(2, 6),
        ({ queue }) => queue.remove("job-3"),
        ({ queue }) => queue.remove("job-5"),
      ),
      steps: [...fetchMore(2), complete(0, { fetch: true }), complete(1, { fetch: true })],
    },
    "the rest of a queue that was drained": {
      prepare: all(
        running(2, 6, (n) => (n < 2 ? {} : (kinds[n % 4] ?? {}))),
        ({ queue }) => queue.drain(true),
      ),
      steps: [...fetchMore(1), complete(0, { fetch: true }), complete(1, { fetch: true })],
    },
    "what is left of a queue that was obliterated": {
      prepare: all(running(2, 6), ({ queue }) => queue.obliterate({ force: true })),
      steps: [...fetchMore(1), complete(0, { fetch: true }), fail(1)],
    },
    "jobs that were promoted and made urgent": {
      prepare: all(
        running(1, 8, (n) => (n < 1 ? {} : (kinds[n % 4] ?? {}))),
        async ({ queue }) => await (await queue.getJob("job-1"))?.promote(),
        async ({ queue }) => await (await queue.getJob("job-2"))?.changePriority({ priority: 1 }),
      ),
      steps: [complete(0, { fetch: true }), ...fetchMore(8)],
    },
    "jobs put back by BullMQ's own retry": {
      prepare: all(
        running(3, 1),
        (side) => move(side, [fail(0), complete(1)]),
        async ({ queue }) => await (await queue.getJob("job-0"))?.retry("failed"),
      ),
      steps: [
        ...fetchMore(2),
        complete(2, { fetch: true }),
        { do: "complete", id: "job-0", token: "more-1" },
      ],
    },
    "jobs that are first in though last added": {
      prepare: all(
        (side) => add(side, jobs(3)),
        ({ queue }) => queue.add("mail", {}, { jobId: "job-9", timestamp: START, lifo: true }),
      ),
      steps: fetches(5),
    },
  };

  const keptByAge = (steps: readonly Step[]): readonly Step[] =>
    steps.map((step) => (step.do === "complete" ? { keep: KEEP, ...step } : step));

  // As BullMQ keeps what it is told nothing of, and as ours are kept.
  describe.each([
    ["kept for ever", (steps: readonly Step[]) => steps],
    ["kept by age", keptByAge],
  ])("%s", (_, kept) => {
    test.each(Object.entries(cases))("%s", async (_title, { prepare, steps, options }) => {
      await expectSame(sides, async (side) => {
        await prepare(side);
        return await move(side, kept(steps), options && side.moverWith(options));
      });
    });
  });
});

const ordinary: Readonly<Record<string, Pick<Case, "prepare" | "steps">>> = {
  "completions with fetch": {
    prepare: running(3, 3),
    steps: times(3).map((n) => complete(n, { fetch: true, keep: KEEP })),
  },
  "completions of a drained queue": {
    prepare: running(3),
    steps: times(3).map((n) => complete(n, { fetch: true, keep: KEEP })),
  },
  "fetches and completions of jobs with priorities": {
    prepare: running(2, 6, (n) => (n < 2 ? {} : { priority: n })),
    steps: [
      complete(0, { fetch: true, keep: KEEP, log: ["one", "two"] }),
      ...fetchMore(2),
      complete(1, { keep: KEEP, data: "{}" }),
    ],
  },
};
const extraordinary: typeof ordinary = {
  "a lock that another one holds": {
    prepare: running(2, 3),
    steps: [complete(0, { keep: KEEP, token: "not mine" }), complete(1, { keep: KEEP })],
  },
  "a delayed job that is due": {
    prepare: all(
      running(2, 3, (n) => (n < 2 ? {} : { delayMs: 5 })),
      later(10),
    ),
    steps: [complete(0, { fetch: true, keep: KEEP })],
  },
};
test.each(Object.entries(ordinary))(
  "%s take one script call, which is not BullMQ's",
  async (_, { prepare, steps }) => {
    expect(await scriptsOf(prepare, steps)).toBe(1);
  },
);
test.each(Object.entries(extraordinary))("%s is BullMQ's business", async (_, { prepare, steps }) => {
  expect(await scriptsOf(prepare, steps)).toBe(2);
});

async function scriptsOf(prepare: Scenario, steps: readonly Step[]): Promise<number> {
  const { fast } = sides;
  await fast.clear();
  await prepare(fast);
  fast.scriptsSent();
  await move(fast, steps);
  return fast.scriptsSent();
}

test("completed jobs go when they are too old, or a moment later", async () => {
  const { fast } = sides;
  await fast.clear();
  await running(3)(fast);
  await move(fast, [complete(0, { keep: KEEP })]);
  const left = async (ms: number, n: number): Promise<readonly string[]> => {
    await later(ms)();
    await move(fast, [complete(n, { keep: { age: 10 } })]);
    return await fast.redis.zrange(fast.key("completed"), 0, "-1");
  };
  expect(await left(10_020, 1)).toEqual(["job-0", "job-1"]);
  expect(await left(30, 2)).toEqual(["job-1", "job-2"]);
});

test("whoever has lost the job's lock writes nothing into its log", async () => {
  const { fast } = sides;
  await fast.clear();
  await running(2)(fast);
  await move(fast, [
    complete(0, { token: "not mine", log: ["lost"] }),
    complete(1, { keep: 3, log: ["done"] }),
  ]);
  expect(await fast.redis.exists(fast.key("job-0:logs"))).toBe(0);
  expect(await fast.redis.lrange(fast.key("job-1:logs"), 0, -1)).toEqual(["done"]);
});

test("where completions cannot be written down, whoever fetches in the same call is answered", async () => {
  const { fast } = sides;
  await fast.clear();
  await running(2, 2)(fast);
  await fast.redis.set(fast.key("completed"), "not a sorted set");
  const results = await move(fast, [complete(0), ...fetchMore(1), complete(1), ...fetchMore(1)]);
  const refused = { error: "WRONGTYPE" };
  expect(results).toMatchObject([refused, { id: "job-2" }, refused, { id: "job-3" }]);
});

function lose(...ids: readonly string[]): Scenario {
  return (side) => side.redis.del(...ids.map((id) => side.key(`${id}:lock`)));
}

/** As a worker does from time to time: what had no lock at two of them is lost. */
async function check(side: Side): Promise<unknown> {
  await side.redis.del(side.key("stalled-check"));
  return await side.mover.backend.moveStalledJobsToWait();
}
