import { describe, expect, test, vi } from "vitest";

import type { NewJob } from "../new-job.ts";
import {
  addFlow,
  job,
  jobs,
  fetches,
  complete,
  fail,
  kinds,
  openSides,
  expectSame,
  START,
  times,
} from "../testing/cases.ts";
import { keySpace } from "../testing/key-space.ts";
import type { Side } from "../testing/sides.ts";
import { add, addTogether, move } from "../testing/steps.ts";

/** BullMQ is the judge of what jobs leave that are added together. */
const sides = openSides();
const { plain, fast } = sides;

describe("adding", () => {
  const lists: Readonly<Record<string, () => readonly NewJob[]>> = {
    "one job": () => jobs(1),
    "ordinary jobs, in order": () => jobs(30),
    "delayed ones, to the same moment and to others": () => jobs(30, (n) => ({ delayMs: 1000 + (n % 3) })),
    "ones by priority, several of each": () => jobs(30, (n) => ({ priority: 1 + (n % 4) })),
    "the least urgent priority": () => jobs(3, (n) => ({ priority: 2_097_152 - n })),
    "all kinds, mixed": () => jobs(40, (n) => kinds[n % 4] ?? {}),
    "ids taken within the call": () => [...jobs(6), ...jobs(6, (n) => ({ data: `"other ${n}"` }))],
    "ids taken within the call by other kinds": () => [
      ...jobs(8, (n) => kinds[n % 4] ?? {}),
      ...jobs(8, (n) => kinds[(n + 1) % 4] ?? {}),
    ],
    "other retentions and times": () =>
      jobs(12, (n) => ({ keepCompletedMs: 1500 * n, timestamp: START - 1000 * n, delayMs: n % 2 })),
    "names and data of any letters": () =>
      ["naïve", "日本", "\u{1F600}", 'quote"', "new\nline", "\u0000", "%d", "!", "="].map((word, n) =>
        job(`job-${n}`, { name: word, data: JSON.stringify(word) }),
      ),
    "data that is not JSON, or empty": () =>
      ["", "not json", "\\"].map((data, n) => job(`job-${n}`, { data })),
    "data of some size": () => jobs(5, (n) => ({ data: JSON.stringify("x".repeat(n * 50_000)) })),
  };
  const places: Readonly<Record<string, (side: Side) => Promise<unknown>>> = {
    "an empty queue": () => Promise.resolve(),
    "a queue that holds some of them": (side) => side.queue.addBulk([3, 5].map(bare)),
    "a paused queue": ({ queue }) => queue.pause(),
  };
  const bare = (n: number) => ({ name: "other", data: { was: "here" }, opts: { jobId: `job-${n}` } });

  describe.each(Object.entries(places))("into %s", (_, prepare) => {
    test.each(Object.entries(lists))("%s", async (_title, list) => {
      await expectSame(sides, async (side) => {
        await prepare(side);
        return await add(side, list());
      });
      await expectSame(sides, async (side) => {
        await prepare(side);
        return await addTogether(side, list());
      });
    });
  });

  test("into a queue whose concurrency is limited, reached or not", async () => {
    await expectSame(sides, async (side) => {
      await side.queue.setGlobalConcurrency(2);
      await add(side, jobs(3));
      await move(side, fetches(2));
      await side.redis.del(side.key("marker"));
      return await addTogether(
        side,
        jobs(9, (n) => kinds[n % 4] ?? {}),
      );
    });
  });
  test("one alone whose id is taken", async () => {
    await expectSame(sides, async (side) => {
      await add(side, jobs(2));
      const again = await addTogether(side, [job("job-1", { data: '"other"' })]);
      expect(again).toMatchObject([expect.any(String)]);
      return again;
    });
  });
  test.each([2, 3])("one alone into a queue with two active of %d that may be", async (most) => {
    await expectSame(sides, async (side) => {
      await side.queue.setGlobalConcurrency(most);
      await add(side, jobs(2));
      await move(side, fetches(2));
      await side.redis.del(side.key("marker"));
      return await addTogether(side, [job("alone")]);
    });
  });
  test("into a queue whose rate is limited", async () => {
    await expectSame(sides, async (side) => {
      await side.queue.setGlobalRateLimit(1, 60_000);
      return await addTogether(side, jobs(5));
    });
  });
  test("ids of jobs that have completed, failed, or are being run", async () => {
    await expectSame(sides, async (side) => {
      await add(side, jobs(4));
      await move(side, fetches(3));
      await move(side, [complete(0), fail(1)]);
      return await addTogether(side, jobs(6));
    });
  });
  test("an id whose hash has no data", async () => {
    await expectSame(sides, async (side) => {
      await side.redis.hset(side.key("job-1"), "name", "odd");
      return await addTogether(side, jobs(3));
    });
  });
  test("children of a flow again leaves the flow alone", async () => {
    await expectSame(sides, async (side) => {
      await addFlow(side);
      return await addTogether(side, [job("child-1"), job("parent"), job("child-2")]);
    });
  });
  test("into a queue that keeps few events trims them, and not into what was just told", async () => {
    const events: unknown[][] = [];
    for (const side of [plain, fast]) {
      await side.clear();
      await side.redis.hset(side.key("meta"), "opts.maxLenEvents", 20);
      vi.setSystemTime(START);
      for (const part of times(10))
        await add(
          side,
          jobs(30, (n) => ({ timestamp: part * 30 + n })).map((one) => ({ ...one, id: `${one.id}-${part}` })),
        );
      const { events: stream } = await keySpace(side.redis, `${side.family.prefix}:email:`);
      events.push((stream as { readonly value: unknown[] }).value);
    }
    const [byBullmq = [], byUs = []] = events;
    // Redis drops whole nodes of a stream, so that when it is asked decides how many are left.
    const least = Math.min(byBullmq.length, byUs.length);
    expect(least).toBeGreaterThanOrEqual(20);
    expect(byUs.length).toBeLessThan(300);
    expect(byUs.slice(-least)).toEqual(byBullmq.slice(-least));
  });

  test("one whose place is taken by something else fails alone", async () => {
    await expectSame(sides, async (side) => {
      await side.redis.set(side.key("job-1"), "not a hash");
      return await add(side, jobs(4));
    });
  });

  describe.each(["wait", "events", "marker", "id"])("with something else under the key %s", (key) => {
    test("every ordinary job is refused, and none is left that is in no queue", async () => {
      await fast.clear();
      await fast.redis.hset(fast.key(key), "not", "this");
      // So that a job alone is added as those are that are not the queue's first.
      await fast.redis.hset(fast.key("meta"), "opts.maxLenEvents", 1000);
      expect(await addTogether(fast, jobs(1))).toMatchObject({ error: expect.anything() as unknown });
      expect(await fast.redis.exists(...jobs(1).map(({ id }) => fast.key(id)))).toBe(0);
      const [first, second, third] = jobs(3);
      const list = [first, { ...job("job-delayed"), delayMs: 5 }, second, third] as readonly NewJob[];
      const [one, , two, three] = await add(fast, list);
      for (const answer of [one, two, three, await addTogether(fast, jobs(3))])
        expect(answer).toMatchObject({ error: expect.anything() as unknown });
      expect(await fast.redis.exists(...jobs(3).map(({ id }) => fast.key(id)))).toBe(0);
      if (key !== "wait") expect(await fast.redis.llen(fast.key("wait"))).toBe(0);
    });
  });
  test.each(Object.entries({ ordinary: {}, delayed: { delayMs: 5 }, urgent: { priority: 2 } }))(
    "more %s jobs at once than Lua can unpack",
    async (_, kind) => {
      await fast.clear();
      const many = jobs(9000, () => kind);
      expect(await addTogether(fast, many)).toHaveLength(9000);
      const { redis } = fast;
      const counts = [
        await redis.llen(fast.key("wait")),
        await redis.zcard(fast.key("delayed")),
        await redis.zcard(fast.key("prioritized")),
      ];
      expect(counts).toContain(9000);
      expect(await addTogether(fast, many.slice(-1))).toEqual([many.at(-1)?.data]);
    },
  );
  test("whoever adds a job again in the call in which it was refused is refused as well", async () => {
    await fast.clear();
    await fast.redis.set(fast.key("wait"), "not a list");
    const results = await add(fast, [job("job-a"), job("job-b", { delayMs: 5 }), job("job-a"), job("job-b")]);
    const refused = { error: "WRONGTYPE" };
    expect(results).toMatchObject([refused, [undefined], refused, [job("job-b").data]]);
    expect(await fast.redis.exists(fast.key("job-a"))).toBe(0);
  });
  test("of a call in which the ordinary jobs were refused, others are there and known to be", async () => {
    await fast.clear();
    await fast.redis.set(fast.key("wait"), "not a list");
    const [first, , third] = await add(fast, [
      job("job-a"),
      job("job-delayed", { delayMs: 5 }),
      job("job-urgent", { priority: 1 }),
    ]);
    expect(first).toMatchObject({ error: "WRONGTYPE" });
    expect(third).toEqual([undefined]);
    expect(await fast.redis.zscore(fast.key("delayed"), "job-delayed")).not.toBeNull();
    expect(await fast.redis.zscore(fast.key("prioritized"), "job-urgent")).not.toBeNull();
  });
});
