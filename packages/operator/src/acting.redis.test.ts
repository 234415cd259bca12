import { openLogChain } from "@understudy/queue";
import { describe, expect, test } from "vitest";

import { type Action, may, type Role, roles } from "./roles.ts";
import { newStage, somebody } from "./testing/stage.ts";

describe("roles", () => {
  const deeds = ["redrive", "look-up", "release", "edit", "discard"] as const satisfies readonly Action[];

  test.each(roles)(
    "a %s may do to a letter what the table says, and is refused by name for the rest",
    async (role: Role) => {
      const stage = newStage();
      for (const job of ["note", "pay"] as const) {
        for (const deed of deeds) {
          const id = await stage.letter(`${job}-${deed}`, { job });
          const who = somebody(role);
          const asked = {
            redrive: () => stage.operator.redrive(id, who),
            "look-up": () => stage.operator.lookUp(id, who),
            release: async () =>
              stage.operator.release(id, who, { seen: (await stage.operator.letter(id))?.version ?? "" }),
            edit: () => stage.operator.edit(id, job === "note" ? { to: "x", n: 9 } : { amount: 9 }, who),
            discard: () => stage.operator.discard(id, who),
          }[deed];
          if (may(role, deed, job === "pay")) expect(await asked()).not.toBe("gone");
          else
            await expect(asked()).rejects.toMatchObject({
              code: "not_permitted",
              message: expect.stringContaining("needs the role"),
            });
        }
      }
    },
  );

  test("a job that nobody here knows is money, as far as anybody knows", async () => {
    const stage = newStage();
    const id = await stage.letter("n1");
    await stage.redis.hset(`${stage.notes.prefix}:notes.dead:${id}`, "name", "never-heard-of");
    await expect(stage.operator.discard(id, somebody("operator"))).rejects.toMatchObject({
      code: "not_permitted",
    });
  });

  test("pausing a queue that takes money needs more than pausing one that does not", async () => {
    const stage = newStage();
    await stage.letter("n1");
    await stage.letter("p1", { job: "pay" });
    await stage.operator.pauseQueue("notes", somebody("operator"));
    await expect(stage.operator.pauseQueue("money", somebody("operator"))).rejects.toMatchObject({
      code: "not_permitted",
    });
    expect((await stage.operator.queues()).map(({ name, isPaused }) => [name, isPaused])).toEqual([
      ["money", false],
      ["notes", true],
    ]);
    await expect(stage.operator.pauseQueue("nothing", somebody())).rejects.toMatchObject({
      message: expect.stringContaining("there are money, notes"),
    });
  });
});

describe("the audit log", () => {
  test("tells of each deed before and after, of a refusal, and of who and why", async () => {
    const stage = newStage();
    const id = await stage.letter("n1");
    await expect(stage.operator.redrive(id, somebody("viewer", "I wish to", "eve"))).rejects.toThrow(
      "needs the role operator",
    );
    await stage.operator.redrive(id, somebody("operator", "a is back"));
    const { entries, total } = await stage.operator.audit();
    expect(total).toBe(3);
    expect(entries.toReversed()).toMatchObject([
      {
        number: 1,
        by: "eve",
        role: "viewer",
        action: "redrive",
        subject: id,
        result: "refused: not permitted",
      },
      { number: 2, by: "ada", role: "operator", action: "redrive", subject: id, reason: "a is back" },
      { number: 3, by: "ada", result: "redriven", of: 2 },
    ]);
    expect(entries[1]).not.toHaveProperty("result");
  });

  test("takes no note that looks like a deed, and none with a card number", async () => {
    const stage = newStage();
    const note = { by: somebody().by, subject: "p1" };
    await expect(
      stage.operator.note({ ...note, action: "release", result: "released" }),
    ).rejects.toMatchObject({
      code: "option_invalid",
    });
    await expect(
      stage.operator.note({ ...note, action: "call", reason: "card 4242 4242 4242 4242" }),
    ).rejects.toMatchObject({ message: expect.stringContaining("card number") });
    await expect(stage.operator.letters({ text: "4242424242424242" })).rejects.toMatchObject({
      code: "option_invalid",
    });
    expect((await stage.operator.audit()).total).toBe(0);
  });

  test("tells of what is performed for others, and of who was refused to", async () => {
    const stage = newStage();
    const deed = { action: "enqueue", subject: "pay", job: "pay" } as const;
    const work = () => Promise.resolve({ result: "created", value: 7 });
    expect(await stage.operator.perform(deed, somebody("money-operator"), work)).toBe(7);
    await expect(stage.operator.perform(deed, somebody("operator"), work)).rejects.toMatchObject({
      code: "not_permitted",
    });
    await stage.operator
      .start({ action: "discard", selection: { filter: {} } }, somebody())
      .catch(() => undefined);
    const { entries } = await stage.operator.audit();
    expect(
      entries
        .toReversed()
        .map(({ result }) => result)
        .slice(0, 3),
    ).toEqual([undefined, "created", "refused: not permitted"]);
  });

  test("is one chain, however many write at once", async () => {
    const stage = newStage();
    await stage.letter("n1");
    await Promise.all(
      Array.from({ length: 30 }, (_, n) =>
        stage.operator.note({ by: somebody().by, action: "test", subject: String(n) }),
      ),
    );
    expect(await stage.operator.verifyAudit()).toMatchObject({ ok: true, entries: 30 });
    const page = await stage.operator.audit({ limit: 10, before: 21 });
    expect(page.entries.map(({ number }) => number)).toEqual([20, 19, 18, 17, 16, 15, 14, 13, 12, 11]);
  });

  test.each([
    ["an entry is changed", "was changed", (line: string) => line.replace('"subject":"3"', '"subject":"4"')],
    ["an entry is no entry", "cannot be read", () => "{}"],
  ])("when %s, the chain says where", async (_, words, change) => {
    const stage = newStage();
    for (let n = 1; n <= 5; n += 1)
      await stage.operator.note({ by: somebody().by, action: "test", subject: String(n) });
    const key = `${stage.namespace}:{audit}:log`;
    await stage.redis.lset(key, 2, change((await stage.redis.lindex(key, 2)) ?? ""));
    expect(await stage.operator.verifyAudit()).toMatchObject({
      ok: false,
      firstBad: 3,
      problem: expect.stringContaining(words),
    });
  });

  test("when an entry is deleted, or written anew with a hash of its own, the next one does not follow", async () => {
    const stage = newStage();
    for (let n = 1; n <= 4; n += 1)
      await stage.operator.note({ by: somebody().by, action: "test", subject: String(n) });
    const key = `${stage.namespace}:{audit}:log`;
    await stage.redis.lrem(key, 1, (await stage.redis.lindex(key, 1)) ?? "");
    expect(await stage.operator.verifyAudit()).toMatchObject({ ok: false, firstBad: 2 });
  });

  test("can be looked at from where it was found whole, and tells when it has become shorter", async () => {
    const stage = newStage();
    const note = (subject: string): Promise<void> =>
      stage.operator.note({ by: somebody().by, action: "test", subject });
    await note("1");
    const before = await stage.operator.verifyAudit();
    if (!before.ok) throw new Error(before.problem);
    await note("2");
    expect(await stage.operator.verifyAudit(before)).toMatchObject({ ok: true, entries: 2 });
    const key = `${stage.namespace}:{audit}:log`;
    await stage.redis.ltrim(key, 0, -3);
    expect(await stage.operator.verifyAudit(before)).toMatchObject({ ok: false, problem: "is missing" });
    // Somebody writes a whole new log of the same length.
    await note("another");
    expect(await stage.operator.verifyAudit(before)).toMatchObject({
      ok: false,
      problem: "is another one than it was",
    });
  });

  test("an append whose answer was lost is not written twice", async () => {
    const stage = newStage();
    const chain = openLogChain(stage.redis, stage.namespace);
    const { openAuditLog } = await import("./audit.ts");
    const log = openAuditLog(stage.redis, stage.namespace);
    const entry = { by: somebody().by, action: "test", subject: "once" };
    await log.append(entry, 1, "the-id");
    await log.append({ ...entry, subject: "another" }, 2);
    expect(await log.append(entry, 3, "the-id")).toMatchObject({ number: 1 });
    expect(await chain.length()).toBe(2);
  });

  test("what cannot be written down is not done", async () => {
    const stage = newStage();
    const id = await stage.letter("n1");
    await stage.redis.set(`${stage.namespace}:{audit}:log`, "not a list");
    await expect(stage.operator.discard(id, somebody())).rejects.toMatchObject({ code: "redis_refused" });
    expect(await stage.operator.letter(id)).toBeDefined();
  });
});

describe("editing", () => {
  test("writes another payload, says which paths, and the next life is another request under another key", async () => {
    const stage = newStage();
    const id = await stage.letter("n1", {
      effect: "maybe",
      cause: "ambiguous",
      trail: [["a", "ambiguous", "timeout"]],
    });
    expect(
      await stage.operator.edit(id, { to: "new@example.com", n: 2 }, somebody("operator", "wrong address")),
    ).toBe("edited");
    const view = await stage.operator.letter(id);
    expect(view).toMatchObject({
      payload: { to: "[hidden]", n: 2 },
      past: [{ did: "edited", by: "ada", reason: "wrong address", paths: ["to", "n"] }],
    });
    expect(await stage.operator.redrive(id, somebody())).toBe("redriven");
    const envelope = await stage.envelope(id);
    expect(envelope).toMatchObject({ generation: 2, payload: { to: "new@example.com" } });
    expect(envelope.past?.map(({ did }) => did)).toEqual(["edited", "redriven"]);
    expect(envelope).not.toHaveProperty("isEdited");
  });

  test.each([
    [{ to: "x" }, "n: "],
    [{ to: "ada@example.com", n: 1 }, "is the one it has"],
    [undefined, "must be JSON"],
  ])("to %j is refused with words", async (payload, words) => {
    const stage = newStage();
    const id = await stage.letter("n1");
    await expect(stage.operator.edit(id, payload, somebody())).rejects.toMatchObject({
      code: "option_invalid",
      message: expect.stringContaining(words),
    });
  });

  test("of money of unknown fate is held: its key must stay with what was sent", async () => {
    const stage = newStage();
    const id = await stage.letter("p1", {
      job: "pay",
      cause: "ambiguous",
      effect: "maybe",
      trail: [["bank", "ambiguous", "timeout"]],
    });
    expect(await stage.operator.edit(id, { amount: 6 }, somebody())).toBe("held");
  });

  test("keeps what is hidden where it was left standing, and refuses it where nothing was hidden", async () => {
    const stage = newStage();
    const id = await stage.letter("n1");
    expect(await stage.operator.edit(id, { to: "[hidden]", n: 8 }, somebody())).toBe("edited");
    expect(await stage.envelope(id)).toMatchObject({ payload: { to: "ada@example.com", n: 8 } });
    await expect(
      stage.operator.edit(id, { to: "[hidden]", n: 8, about: "[hidden]" }, somebody()),
    ).rejects.toMatchObject({ message: expect.stringContaining("where nothing hidden stood") });
  });

  test("hides what was sensitive before in all that tells of the letter's past", async () => {
    const stage = newStage();
    const secret = "ada@example.com";
    const id = await stage.letter("n1", { reason: `rejected: ADA@example.com does not exist` });
    const key = `${stage.notes.prefix}:notes.dead:n1`;
    await stage.redis.rpush(`${key}:logs`, `a answered that ${secret} is unknown`);
    await stage.operator.edit(id, { to: "new@example.com", n: 1 }, somebody());
    const stored = JSON.stringify([
      await stage.redis.hgetall(key),
      await stage.redis.lrange(`${key}:logs`, 0, -1),
    ]);
    expect(stored).toContain("[hidden]");
    expect(stored.toLowerCase()).not.toContain(secret);
    expect((await stage.operator.letters({ text: "ada@" })).letters).toEqual([]);
  });

  test("of what has changed since it was shown is refused, and overwrites nobody's edit", async () => {
    const stage = newStage();
    const id = await stage.letter("n1");
    const shown = { to: "[hidden]", n: 1 };
    const answers = await Promise.all(
      [2, 3].map((n) => stage.operator.edit(id, { to: "[hidden]", n }, somebody(), { shown })),
    );
    expect(answers.toSorted()).toEqual(["changed", "edited"]);
  });

  test("the payload as it is can be read by whoever may edit it, and that is written down", async () => {
    const stage = newStage();
    const id = await stage.letter("n1");
    expect(await stage.operator.payload(id, somebody("operator", "to edit it"))).toEqual({
      payload: { to: "ada@example.com", n: 1 },
    });
    await expect(stage.operator.payload(id, somebody("viewer"))).rejects.toMatchObject({
      code: "not_permitted",
    });
    const { entries } = await stage.operator.audit();
    expect(entries.map(({ action, result }) => [action, result])).toEqual([
      ["read-payload", "refused: not permitted"],
      ["read-payload", "read"],
      ["read-payload", undefined],
    ]);
  });

  test("by two at once writes both, one after the other, and loses neither", async () => {
    const stage = newStage();
    const id = await stage.letter("n1");
    const answers = await Promise.all([2, 3].map((n) => stage.operator.edit(id, { to: "x", n }, somebody())));
    expect(answers).toEqual(["edited", "edited"]);
    expect((await stage.envelope(id)).past).toHaveLength(2);
  });
});

test("two who act on one letter at once: one does it, the other is told that it is gone", async () => {
  const stage = newStage();
  const id = await stage.letter("n1");
  const answers = await Promise.all([
    stage.operator.redrive(id, somebody()),
    stage.operator.discard(id, somebody()),
  ]);
  expect(answers.filter((answer) => answer === "gone")).toHaveLength(1);
});
