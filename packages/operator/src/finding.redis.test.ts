import { describe, expect, test } from "vitest";

import type { LetterFilter } from "./index.ts";
import { newStage, type Stage } from "./testing/stage.ts";

async function populated(): Promise<Stage> {
  const stage = newStage();
  await stage.letter("n1", { ago: 5000 });
  await stage.letter("n2", { ago: 4000, cause: "rejected", trail: [["b", "rejected", "http_400"]] });
  await stage.letter("n3", {
    ago: 3000,
    trail: [
      ["a", "unavailable", "http_500"],
      ["b", "unavailable", "http_503"],
    ],
  });
  await stage.letter("p1", {
    job: "pay",
    ago: 2000,
    cause: "ambiguous",
    effect: "maybe",
    trail: [["bank", "ambiguous", "timeout"]],
  });
  await stage.letter("n4", { ago: 1000, payload: { to: "grace@example.com", n: 4, about: "Invoice 77" } });
  return stage;
}

const filters: readonly (readonly [LetterFilter, readonly string[]])[] = [
  [{}, ["n4", "p1", "n3", "n2", "n1"]],
  [{ queue: ["money"] }, ["p1"]],
  [{ job: ["note"] }, ["n4", "n3", "n2", "n1"]],
  [{ cause: ["rejected", "ambiguous"] }, ["p1", "n2"]],
  [{ effect: ["maybe"] }, ["p1"]],
  [{ provider: ["b"] }, ["n3", "n2"]],
  [{ code: ["http_503"] }, ["n4", "n3", "n1"]],
  // The code is that provider's own, and not any code beside it.
  [{ provider: ["a"], code: ["http_503"] }, ["n4", "n1"]],
  [{ provider: ["a"], code: ["http_400"] }, []],
  [{ queue: ["notes"], provider: ["bank"] }, []],
  [{ text: "INVOICE" }, ["n4"]],
  [{ text: "n2" }, ["n2"]],
  [{ text: "http_400" }, ["n2"]],
];

test.each(filters)("%j finds %j, the newest first", async (filter, expected) => {
  const { operator } = await populated();
  const page = await operator.letters(filter);
  expect(page.letters.map(({ id }) => id)).toEqual(expected);
  expect(page.next).toBeUndefined();
  if (filter.text === undefined) expect(page.total).toBe(expected.length);
});

test("what is sensitive is neither found by its text nor shown in the reason", async () => {
  const stage = newStage();
  await stage.letter("n1", {
    reason: "rejected: a answered that grace@example.com does not exist",
    payload: { to: "grace@example.com", n: 1 },
  });
  expect((await stage.operator.letters({ text: "grace" })).letters).toEqual([]);
  const { letters } = await stage.operator.letters({ text: "does not exist" });
  expect(letters.map(({ reason }) => reason)).toEqual(["rejected: a answered that [hidden] does not exist"]);
});

test("from and to bound when letters died, both ends included", async () => {
  const stage = newStage();
  const at = Date.now() - 10_000;
  for (const [id, ago] of [
    ["early", 3000],
    ["middle", 2000],
    ["late", 1000],
  ] as const)
    await stage.letter(id, { ago: Date.now() - at + ago });
  const { letters } = await stage.operator.letters({});
  const middle = letters.find(({ id }) => id === "middle")?.diedAt ?? 0;
  const found = await stage.operator.letters({ from: middle, to: middle });
  expect(found.letters.map(({ id }) => id)).toEqual(["middle"]);
  expect((await stage.operator.groups({ from: middle })).total).toBe(2);
});

test("pages follow each other without gap or repeat, though many died in one millisecond and some leave meanwhile", async () => {
  const stage = newStage();
  const at = 60_000;
  const now = Date.now;
  const frozen = now();
  Date.now = () => frozen;
  try {
    for (let n = 0; n < 23; n += 1)
      await stage.letter(`n${String(n).padStart(2, "0")}`, { ago: at + (n % 3 === 0 ? 5 : 0) });
  } finally {
    Date.now = now;
  }
  const seen: string[] = [];
  for (let after: string | undefined; ;) {
    const page = await stage.operator.letters({}, { limit: 5, ...(after === undefined ? {} : { after }) });
    seen.push(...page.letters.map(({ id }) => id));
    // One of those that were seen leaves.
    if (seen.length === 10)
      await stage.operator.discard(seen[2] ?? "", { by: { name: "ada", role: "admin" }, reason: "x" });
    if (page.next === undefined) break;
    after = page.next;
  }
  expect(seen).toHaveLength(23);
  expect(new Set(seen).size).toBe(23);
});

test("letters that died of the same are one group, whatever their ids and addresses are", async () => {
  const stage = await populated();
  await stage.letter("w1", { trail: [], reason: 'invalid: payload "x" of job 12 is wrong' });
  await stage.letter("w2", { trail: [], reason: 'invalid: payload "y" of job 99 is wrong' });
  const { groups, total } = await stage.operator.groups({});
  expect(total).toBe(7);
  expect(
    groups.map(({ count, failures, cause, queue, isMoney }) => ({ count, failures, cause, queue, isMoney })),
  ).toEqual(
    expect.arrayContaining([
      {
        count: 2,
        failures: [{ provider: "a", code: "http_503" }],
        cause: "exhausted",
        queue: "notes",
        isMoney: false,
      },
      { count: 2, failures: [], cause: "exhausted", queue: "notes", isMoney: false },
      {
        count: 1,
        failures: [{ provider: "bank", code: "timeout" }],
        cause: "ambiguous",
        queue: "money",
        isMoney: true,
      },
    ]),
  );
  await stage.letter("w3", {
    trail: [
      ["b", "withheld", "circuit_open"],
      ["a", "unavailable", "http_503"],
    ],
  });
  const again = await stage.operator.groups({ code: ["http_503"], cause: ["exhausted"] });
  // Whether b was held back that time is no difference.
  expect(again.groups.find(({ failures }) => failures.length === 1)?.count).toBe(3);
  const [biggest] = again.groups;
  const inGroup = await stage.operator.letters({ group: [biggest?.group ?? ""] });
  expect(inGroup.total).toBe(3);
});

describe("what makes no sense is refused with words", () => {
  test.each<readonly [LetterFilter, string]>([
    [{ queue: ["emial"] }, 'There is no queue "emial": there are money, notes.'],
    [{ cause: ["exploded" as "rejected"] }, 'There is no cause "exploded": there are rejected, exhausted,'],
    [{ from: 5, to: 4 }, "from is later than its to"],
    [{ from: Number.NaN }, "must be a time"],
    [{ text: " " }, "1 to 200 characters"],
    [{ providr: ["a"] } as LetterFilter, "A filter has no providr"],
  ])("%j", async (filter, words) => {
    const { operator } = await populated();
    for (const asked of [operator.letters(filter), operator.plan({ filter })])
      await expect(asked).rejects.toMatchObject({
        code: "option_invalid",
        message: expect.stringContaining(words),
      });
  });

  test("a page that is none, or too large a one", async () => {
    const { operator } = await populated();
    await expect(operator.letters({}, { after: "x" })).rejects.toMatchObject({ code: "option_invalid" });
    await expect(operator.letters({}, { limit: 501 })).rejects.toMatchObject({ code: "option_invalid" });
  });
});

test("one letter is shown with its sentence, its trail, its payload without what is sensitive, and its prospect", async () => {
  const { operator } = await populated();
  expect(await operator.letter("n3")).toMatchObject({
    id: "n3",
    sentence: "All 2 attempts failed: a answered http_500; b answered http_503.",
    payload: { to: "[hidden]", n: 1 },
    hidden: ["to"],
    trail: [{ provider: "a" }, { provider: "b" }],
    prospect: { fate: "safe" },
    past: [],
  });
  expect(await operator.letter("nowhere")).toBeUndefined();
});

test("a letter whose data is damaged can be listed, shown and discarded", async () => {
  const stage = await populated();
  await stage.redis.hset(`${stage.notes.prefix}:notes.dead:n1`, "data", "{");
  expect((await stage.operator.letters({})).letters.at(-1)).toMatchObject({
    id: "n1",
    reason: "its data is damaged",
  });
  expect(await stage.operator.letter("n1")).toMatchObject({ prospect: { fate: "unreadable" } });
  expect((await stage.operator.plan({ filter: {} })).fates).toMatchObject({ unreadable: 1 });
  const who = { by: { name: "ada", role: "admin" as const }, reason: "damaged" };
  expect(await stage.operator.redrive("n1", who)).toBe("unreadable");
  expect(await stage.operator.discard("n1", who)).toBe("discarded");
});
