import { expect, test } from "vitest";

import { type Batcher, createBatcher } from "./batcher.ts";

/** A script call that was made, and is answered when the test says so. */
interface Sent {
  readonly names: readonly string[];
  answer(): void;
  fail(error: Error): void;
}

/** Redis' end: it answers a call with its name, and with an error where that begins with "bad". */
function setUp(most = 50) {
  const sent: Sent[] = [];
  const run = (names: readonly string[]): Promise<readonly (string | Error)[]> => {
    const { promise, resolve, reject } = Promise.withResolvers<readonly (string | Error)[]>();
    const answers = names.map((name) => (name.startsWith("bad") ? new Error(name) : name));
    sent.push({ names, answer: () => resolve(answers), fail: reject });
    return promise;
  };
  return { sent, batcher: createBatcher({ run, most }) };
}

/** All of them in one group. */
const together = (
  batcher: Batcher<string, string>,
  calls: readonly string[],
  wait?: { readonly isOver: boolean },
) =>
  new Promise<readonly (string | Error)[]>((resolve, reject) =>
    batcher.send(calls, wait, (how) => (how instanceof Error ? reject(how) : resolve(how))),
  );

const named = (name: string, count: number): readonly string[] =>
  Array.from({ length: count }, (_, n) => `${name}-${n}`);
/** The end of this turn, when all that has come in was heard; before any timer. */
const turnEnds = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const sizes = (sent: readonly Sent[]): readonly number[] => sent.map(({ names }) => names.length);

test("a lone call goes at the end of its turn, and waits for no timer", async () => {
  const { sent, batcher } = setUp();
  const asked = batcher.one("a");
  expect(sent).toEqual([]);
  await turnEnds();
  expect(sent).toMatchObject([{ names: ["a"] }]);
  sent[0]?.answer();
  expect(await asked).toBe("a");
});

test("what is called in one turn by whomever goes together, in order, and each has its own answer", async () => {
  const { sent, batcher } = setUp();
  const asked = [
    batcher.one("a"),
    together(batcher, ["b", "c"]),
    Promise.resolve().then(() => batcher.one("d")),
  ];
  await turnEnds();
  expect(sent).toMatchObject([{ names: ["a", "b", "c", "d"] }]);
  sent[0]?.answer();
  expect(await Promise.all(asked)).toEqual(["a", ["b", "c"], "d"]);
});

test("what is called in the next turn does not wait for the answers of this one", async () => {
  const { sent, batcher } = setUp();
  void batcher.one("a");
  await turnEnds();
  void batcher.one("b");
  await turnEnds();
  expect(sent).toMatchObject([{ names: ["a"] }, { names: ["b"] }]);
});

test("a call that failed concerns its caller alone; a group is told which of its calls did", async () => {
  const { sent, batcher } = setUp();
  const asked = Promise.allSettled([
    batcher.one("a"),
    batcher.one("bad"),
    together(batcher, ["b", "bad too"]),
  ]);
  await turnEnds();
  sent[0]?.answer();
  expect(await asked).toEqual([
    { status: "fulfilled", value: "a" },
    { status: "rejected", reason: new Error("bad") },
    { status: "fulfilled", value: ["b", new Error("bad too")] },
  ]);
});

test("a script call that failed rejects all that were in it, and nobody else", async () => {
  const { sent, batcher } = setUp(2);
  const asked = Promise.allSettled(named("n", 4).map((one) => batcher.one(one)));
  await turnEnds();
  expect(sizes(sent)).toEqual([2, 2]);
  sent[0]?.fail(new Error("connection lost"));
  sent[1]?.answer();
  const gone = { status: "rejected", reason: new Error("connection lost") };
  expect(await asked).toEqual([
    gone,
    gone,
    { status: "fulfilled", value: "n-2" },
    { status: "fulfilled", value: "n-3" },
  ]);
});

test("a script call that could not even be made rejects those that were in it", async () => {
  const batcher = createBatcher({
    run(_: readonly string[]): never {
      throw new TypeError("no such kind");
    },
    most: 9,
  });
  await expect(batcher.one("a")).rejects.toThrow("no such kind");
});

test("no script call has more than the most, but for a group, which is never cut", async () => {
  const { sent, batcher } = setUp(10);
  for (const one of named("lone", 95)) void batcher.one(one);
  void together(batcher, named("group", 40));
  void batcher.one("last");
  await turnEnds();
  for (const one of sent) one.answer();
  await turnEnds();
  await turnEnds();
  expect(sent.flatMap(({ names }) => names)).toEqual([...named("lone", 95), ...named("group", 40), "last"]);
  const group = sent.filter(({ names }) => names.some((name) => name.startsWith("group")));
  expect(group).toHaveLength(1);
  for (const { names } of sent)
    if (!group.some((one) => one.names === names)) expect(names.length).toBeLessThanOrEqual(10);
});

test("what is under way is spread over some script calls, so that Redis works while we do", async () => {
  const { sent, batcher } = setUp();
  const again = async (name: string): Promise<void> => {
    for (let n = 0; n < 20; n += 1) await batcher.one(`${name}-${n}`);
  };
  const callers = Promise.all(Array.from({ length: 100 }, (_, n) => again(`caller-${n}`)));
  const all: number[] = [];
  for (let n = 0; n < 60; n += 1) {
    await turnEnds();
    const some = sent.splice(0);
    all.push(...sizes(some));
    // As Redis does, which tells at once of all that it found.
    for (const one of some) one.answer();
  }
  await callers;
  expect(all.reduce((sum, size) => sum + size, 0)).toBe(2000);
  // Once it is known how many there are, the first go while the others are still told.
  expect(all.slice(10, 40).filter((size) => size >= 20 && size <= 50).length).toBeGreaterThanOrEqual(25);
  expect(Math.max(...all)).toBeLessThanOrEqual(50);
});

test("as soon as enough have come together they go, though their turn is not over", () => {
  const { sent, batcher } = setUp();
  for (const one of named("n", 4)) void batcher.one(one);
  expect(sizes(sent)).toEqual([4]);
  for (const one of named("m", 3)) void batcher.one(one);
  expect(sizes(sent)).toEqual([4]);
});

test("with enough under way what comes one by one waits to go together, but for a whole call's worth", async () => {
  const { sent, batcher } = setUp(10);
  for (const one of named("n", 5)) {
    void batcher.one(one);
    await turnEnds();
  }
  expect(sizes(sent)).toEqual([1, 1, 1]);
  for (const one of named("m", 9)) void batcher.one(one);
  await turnEnds();
  expect(sizes(sent).slice(3)).toEqual([10]);
  sent[1]?.answer();
  await turnEnds();
  await turnEnds();
  expect(sizes(sent).slice(4)).toEqual([]);
  for (const one of sent) one.answer();
  await turnEnds();
  await turnEnds();
  expect(sent.flatMap(({ names }) => names)).toEqual([...named("n", 5), ...named("m", 9)]);
});

test("who has given up by the end of the turn is not sent, and counts no more", async () => {
  const { sent, batcher } = setUp();
  const wait = { isOver: false };
  const asked = Promise.allSettled([
    together(batcher, named("given-up", 2), wait),
    together(batcher, ["a"], { isOver: false }),
  ]);
  wait.isOver = true;
  await turnEnds();
  expect(sent).toMatchObject([{ names: ["a"] }]);
  sent[0]?.answer();
  expect(await asked).toMatchObject([{ status: "rejected" }, { status: "fulfilled", value: ["a"] }]);
  sent.length = 0;
  for (const one of named("n", 8)) void batcher.one(one);
  await turnEnds();
  expect(sizes(sent)).toEqual([4, 4]);
});

test("who gives up after it was sent is answered all the same: whether it was done is for Redis to say", async () => {
  const { sent, batcher } = setUp();
  const wait = { isOver: false };
  const asked = together(batcher, ["a"], wait);
  await turnEnds();
  wait.isOver = true;
  sent[0]?.answer();
  expect(await asked).toEqual(["a"]);
});

test("a call that hangs does not hold up those of later turns", async () => {
  const { sent, batcher } = setUp();
  void batcher.one("hangs");
  await turnEnds();
  const asked = batcher.one("a");
  await turnEnds();
  sent[1]?.answer();
  expect(await asked).toBe("a");
});

test("who is told that it gave up may ask for the next thing at once", async () => {
  const { sent, batcher } = setUp();
  const told: unknown[] = [];
  const answered = new Promise((resolve) => {
    batcher.send(["late"], { isOver: true }, (how) => {
      told.push(how);
      batcher.send(["next"], undefined, resolve);
    });
  });
  await turnEnds();
  await turnEnds();
  expect(told).toEqual([new Error("given up before it was sent")]);
  expect(sent).toMatchObject([{ names: ["next"] }]);
  sent[0]?.answer();
  expect(await answered).toEqual(["next"]);
});
