import { describe, expect, test } from "vitest";

import { type Dying, newStage, somebody, type Stage } from "./testing/stage.ts";
import type { Fate } from "./views.ts";

const HOUR = 3_600_000;
const unknownAt = (provider: string): Dying => ({
  job: "pay",
  cause: "ambiguous",
  effect: "maybe",
  trail: [[provider, "ambiguous", "timeout"]],
  more: { bound: { provider, firstSentAt: Date.now() } },
});
const routes = { "test.note": ["a", "b"], "test.pay": ["bank", "vault"] };

const cases: readonly (readonly [string, Fate, string, Dying])[] = [
  ["effect none", "safe", "a", {}],
  ["money of effect none", "safe", "bank", { job: "pay" }],
  [
    "mail of unknown fate",
    "possible_duplicate",
    "a",
    { effect: "maybe", cause: "ambiguous", trail: [["a", "ambiguous", "timeout"]] },
  ],
  ["money at a provider that looks up", "needs_look_up", "bank", unknownAt("bank")],
  ["money at one that does not", "needs_release", "vault", unknownAt("vault")],
  [
    "money lost before anybody was bound",
    "needs_release",
    "",
    { job: "pay", cause: "ambiguous", effect: "maybe", trail: [["unknown", "ambiguous", "worker_lost"]] },
  ],
  ["a payload that today's schema refuses", "invalid", "", { payload: { to: 5 } }],
  ["an allow-list of whom nobody routes to", "unserved", "", { more: { providers: ["c"] } }],
];

test.each(cases)("%s: a redrive would be %s", async (_, fate, target, dying) => {
  const stage = newStage();
  await stage.worker(routes);
  const id = await stage.letter("x1", dying);
  const view = await stage.operator.letter(id);
  expect(view?.prospect.fate).toBe(fate);
  expect(view?.prospect.target ?? "").toBe(target);
  const plan = await stage.operator.plan({ filter: {} });
  expect(plan.fates[fate]).toBe(1);
  expect(plan.total).toBe(1);
  // And so it is.
  const answer = await stage.operator.redrive(id, somebody());
  const kept = { needs_look_up: "held", needs_release: "held" } as Partial<Record<Fate, string>>;
  expect(answer).toBe(fate === "safe" || fate === "possible_duplicate" ? "redriven" : (kept[fate] ?? fate));
});

test("money past its provider's horizon is said to be so, and what unblocks it", async () => {
  const stage = newStage();
  const old = (provider: string, hours: number): Dying => ({
    ...unknownAt(provider),
    more: { bound: { provider, firstSentAt: Date.now() - hours * HOUR } },
  });
  await stage.letter("p1", old("bank", 23));
  await stage.letter("p2", old("bank", 25));
  await stage.letter("p3", old("vault", 2));
  const plan = await stage.operator.plan({ filter: {} });
  expect(plan).toMatchObject({ pastHorizon: 2, money: 3, fates: { needs_look_up: 2, needs_release: 1 } });
  expect(plan.advice.join("\n")).toContain("dead-letters look-up");
  expect((await stage.operator.letter("p2"))?.prospect.sentence).toContain("has forgotten its key");
  expect((await stage.operator.letter("p1"))?.prospect.isPastHorizon).toBe(false);
});

test("a redrive of what was refused as wrong is said to be refused again, until its payload was edited", async () => {
  const stage = newStage();
  const id = await stage.letter("n1", { cause: "rejected", trail: [["a", "rejected", "http_400"]] });
  const advice = async (): Promise<string> => (await stage.operator.plan({ filter: {} })).advice.join("\n");
  expect(await advice()).toContain("1 letter was refused as wrong");
  expect((await stage.operator.letter(id))?.prospect.sentence).toContain("edit its payload first");
  await stage.operator.edit(id, { to: "new@example.com", n: 1 }, somebody());
  expect(await advice()).toBe("");
});

describe("a provider that is chosen", () => {
  test.each<readonly [string, string, Dying, string]>([
    ["does not exist", "nobody", {}, "does not serve test.note"],
    ["serves something else", "bank", {}, "does not serve test.note"],
    ["does not take this request", "b", { payload: { to: "x", n: 100 } }, "does not accept"],
    ["is not on the job's allow-list", "a", { more: { providers: ["b"] } }, "may only be served by b"],
  ])("%s", async (_, provider, dying, words) => {
    const stage = newStage();
    await stage.worker(routes);
    const id = await stage.letter("x1", dying);
    expect(await stage.operator.redrive(id, somebody(), { provider })).toBe("unserved");
    const plan = await stage.operator.plan({ ids: [id] }, { provider });
    expect(plan.fates.unserved).toBe(1);
    expect(plan.advice.join("\n")).toContain(words);
  });

  test("is the only one that may serve the next life, and no longer than that", async () => {
    const stage = newStage();
    await stage.worker(routes);
    const id = await stage.letter("x1");
    expect((await stage.operator.plan({ ids: [id] }, { provider: "b" })).targets).toEqual({ b: 1 });
    expect(await stage.operator.redrive(id, somebody(), { provider: "b" })).toBe("redriven");
    const envelope = await stage.envelope(id);
    expect(envelope).toMatchObject({ chosen: "b", past: [{ did: "redriven", provider: "b" }] });
    expect(envelope).not.toHaveProperty("providers");
  });
});

async function many(stage: Stage, count: number): Promise<void> {
  for (let n = 0; n < count; n += 1) await stage.letter(`n${String(n).padStart(3, "0")}`, { ago: 1000 + n });
}

describe("a run", () => {
  test("redrives all that match, oldest first, and tells why others were left", async () => {
    const stage = newStage();
    await many(stage, 12);
    await stage.letter("p1", { ...unknownAt("bank"), ago: 5000 });
    await stage.letter("bad", { payload: {}, ago: 5000 });
    const plan = await stage.operator.plan({ filter: {} });
    const run = await stage.operator.start(
      { action: "redrive", selection: { filter: {} }, perSecond: 1000 },
      somebody(),
    );
    expect(run).toMatchObject({ state: "running", total: 14, seen: 0, isOrphan: true });
    const told: number[] = [];
    const ended = await stage.operator.drive(run.id, { onProgress: ({ seen }) => void told.push(seen) });
    expect(ended).toMatchObject({ state: "done", seen: 14, done: 12, left: { held: 1, invalid: 1 } });
    // What was planned is what came.
    expect(ended.done).toBe(plan.fates.safe + plan.fates.possible_duplicate);
    expect(told.at(-1)).toBe(14);
    expect((await stage.operator.groups({})).total).toBe(2);
    expect((await stage.operator.runs()).map(({ id }) => id)).toEqual([run.id]);
  });

  test("holds to its rate", async () => {
    const stage = newStage();
    await many(stage, 12);
    const run = await stage.operator.start(
      { action: "redrive", selection: { filter: {} }, perSecond: 20 },
      somebody(),
    );
    const started = performance.now();
    await stage.operator.drive(run.id);
    // The first goes at once, the last of twelve 11/20 s later.
    expect(performance.now() - started).toBeGreaterThan(500);
  });

  test("stops when it is told to, and goes on where it was", async () => {
    const stage = newStage();
    await many(stage, 40);
    const run = await stage.operator.start(
      { action: "redrive", selection: { filter: {} }, perSecond: 50 },
      somebody(),
    );
    const driving = stage.operator.drive(run.id, {
      onProgress: ({ seen }) => {
        if (seen >= 5) void stage.operator.stop(run.id, somebody("operator", "too early"));
      },
    });
    const stopped = await driving;
    expect(stopped.state).toBe("stopped");
    expect(stopped.done).toBeLessThan(40);
    // Whoever would only drive it lets it rest.
    expect(await stage.operator.drive(run.id)).toMatchObject({ state: "stopped" });
    const ended = await stage.operator.drive(run.id, { resume: somebody() });
    expect(ended).toMatchObject({ state: "done", seen: 40, done: 40, left: {} });
  });

  test("whose driver has died is an orphan, and whoever resumes it counts what that one had done", async () => {
    const stage = newStage();
    await many(stage, 10);
    const run = await stage.operator.start(
      { action: "redrive", selection: { filter: {} }, perSecond: 100 },
      somebody(),
    );
    // As if a driver had died after these, and before it wrote down that it had.
    await stage.redis.hset(`${stage.namespace}:{runs}:${run.id}`, "drives", "1");
    for (const id of ["n009", "n008", "n007"]) await stage.operator.redrive(id, somebody());
    expect(await stage.operator.run(run.id)).toMatchObject({ isOrphan: true, seen: 0 });
    expect(await stage.operator.drive(run.id)).toMatchObject({ state: "done", done: 10, seen: 10 });
  });

  test("that was stopped before it was begun stays so", async () => {
    const stage = newStage();
    await many(stage, 2);
    const how = { action: "redrive", selection: { filter: {} } } as const;
    const run = await stage.operator.start(how, somebody());
    await stage.operator.stop(run.id, somebody());
    expect(await stage.operator.drive(run.id)).toMatchObject({ state: "stopped", seen: 0 });
  });

  test("is resumed only by somebody who might have begun it", async () => {
    const stage = newStage();
    await stage.letter("p1", { job: "pay", ago: 10 });
    const how = { action: "redrive", selection: { filter: {} } } as const;
    const run = await stage.operator.start(how, somebody("money-operator"));
    await stage.operator.stop(run.id, somebody());
    await expect(
      stage.operator.drive(run.id, { resume: somebody("operator", "let me", "eve") }),
    ).rejects.toMatchObject({ code: "not_permitted" });
    expect(await stage.operator.letter("p1")).toBeDefined();
    expect((await stage.operator.audit()).entries[0]).toMatchObject({
      by: "eve",
      result: "refused: not permitted",
    });
    expect(await stage.operator.drive(run.id, { resume: somebody("admin") })).toMatchObject({ done: 1 });
  });

  test("that expects another number of letters than there are is refused", async () => {
    const stage = newStage();
    await many(stage, 3);
    const how = { action: "discard", selection: { filter: {} } } as const;
    await expect(stage.operator.start({ ...how, expected: 2 }, somebody())).rejects.toMatchObject({
      message: "There are 3 letters now, and not 2: plan again.",
    });
    expect(await stage.operator.start({ ...how, expected: 3 }, somebody())).toMatchObject({ total: 3 });
  });

  test("of named letters does none twice, though its driver died and the letter has died again, by whatever clock", async () => {
    const stage = newStage();
    await stage.letter("n1", { ago: 1000 });
    const run = await stage.operator.start({ action: "redrive", selection: { ids: ["n1"] } }, somebody());
    // As if a driver had redriven it and died before it wrote that down; the job then died on a machine whose clock is behind.
    const record = await stage.operator.redrive("n1", somebody());
    expect(record).toBe("redriven");
    const envelope = await stage.envelope("n1");
    await stage.redis.del(`${stage.notes.prefix}:notes:n1`, `${stage.notes.prefix}:notes:delayed`);
    const past = (envelope.past ?? []).map((one) => ({ ...one, run: run.id }));
    await stage.letter("n1", { ago: 60_000, more: { past, redrives: 1 } });
    expect(await stage.operator.drive(run.id)).toMatchObject({ done: 0, left: { changed: 1 } });
  });

  test("tells the stop of somebody who may not, and does not stop", async () => {
    const stage = newStage();
    await many(stage, 1);
    const how = { action: "redrive", selection: { filter: {} } } as const;
    const run = await stage.operator.start(how, somebody());
    await expect(stage.operator.stop(run.id, somebody("viewer", "no", "eve"))).rejects.toMatchObject({
      code: "not_permitted",
    });
    expect((await stage.operator.audit()).entries[0]).toMatchObject({
      by: "eve",
      result: "refused: not permitted",
    });
    expect((await stage.operator.run(run.id))?.state).toBe("running");
  });

  test("is driven by one at a time", async () => {
    const stage = newStage();
    await many(stage, 10);
    const run = await stage.operator.start(
      { action: "redrive", selection: { filter: {} }, perSecond: 20 },
      somebody(),
    );
    const first = stage.operator.drive(run.id);
    await expect.poll(async () => (await stage.operator.run(run.id))?.isOrphan).toBe(false);
    await expect(stage.operator.drive(run.id)).rejects.toMatchObject({
      message: expect.stringContaining("Another process"),
    });
    expect(await first).toMatchObject({ done: 10 });
  });

  test("leaves what died after it began: else what dies again goes round and round", async () => {
    const stage = newStage();
    await many(stage, 2);
    const run = await stage.operator.start(
      { action: "redrive", selection: { filter: {} }, perSecond: 100 },
      somebody(),
    );
    await stage.letter("later", { ago: -5000 });
    expect(await stage.operator.drive(run.id)).toMatchObject({ done: 2 });
    expect((await stage.operator.letters({})).letters.map(({ id }) => id)).toEqual(["later"]);
  });

  test("asks of each letter whether whoever began it may", async () => {
    const stage = newStage();
    await stage.letter("n1", { ago: 10 });
    await stage.letter("p1", { job: "pay", ago: 10 });
    const run = await stage.operator.start(
      { action: "redrive", selection: { filter: {} } },
      somebody("operator"),
    );
    expect(await stage.operator.drive(run.id)).toMatchObject({ done: 1, left: { not_permitted: 1 } });
    const viewer = somebody("viewer");
    await expect(
      stage.operator.start({ action: "redrive", selection: { filter: {} } }, viewer),
    ).rejects.toMatchObject({ code: "not_permitted" });
  });

  test("of named letters does it to those, and tells of one that is gone", async () => {
    const stage = newStage();
    await many(stage, 3);
    const run = await stage.operator.start(
      { action: "discard", selection: { ids: ["n000", "nowhere", "n002"] }, perSecond: 100 },
      somebody(),
    );
    expect(await stage.operator.drive(run.id)).toMatchObject({ done: 2, left: { gone: 1 } });
    const { entries } = await stage.operator.audit();
    expect(entries[0]).toMatchObject({ subject: `run ${run.id}`, result: "done: 3 seen, 2 done, 1 gone" });
  });

  test.each([
    [{ ids: [] }, 10, "Name 1 to"],
    [{ filter: {} }, 0, "rate must be above 0"],
  ])("of %j at %s a second makes no sense", async (selection, perSecond, words) => {
    const stage = newStage();
    await expect(
      stage.operator.start({ action: "redrive", selection, perSecond }, somebody()),
    ).rejects.toMatchObject({ message: expect.stringContaining(words) });
  });
});
