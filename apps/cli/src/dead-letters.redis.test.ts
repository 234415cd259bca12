import { chargeCard, welcomeEmail } from "@understudy/jobs";
import { newSpace } from "@understudy/testkit";
import { beforeAll, describe, expect, test } from "vitest";

import { cli, type Ended } from "./testing/cli.ts";
import { inProcess } from "./testing/in-process.ts";
import { deadLetters, exhausted, unknown } from "./testing/letters.ts";
import { readmeExamples, shapeOf } from "./testing/shape.ts";

const space = newSpace();
const env = { REDIS_URL: space.redisUrl, NAMESPACE: space.namespace };
const hostile = "\u001B[2J\u009Bgone";
const address = "ada@example.com";
let mails: readonly string[];
let charges: readonly string[];

beforeAll(async () => {
  const mail = { to: address, name: "Ada" };
  mails = await deadLetters(space, welcomeEmail, [mail, mail, mail], {
    ...exhausted,
    reason: `exhausted: ${hostile}`,
  });
  const charge = { amountMinor: 100, currency: "EUR", paymentMethod: { stripe: "pm_1" } };
  charges = await deadLetters(space, chargeCard, [charge], unknown);
});

async function run(...args: readonly string[]): Promise<Ended> {
  return await inProcess(args, env);
}

async function json(...args: readonly string[]): Promise<Record<string, unknown>> {
  const { out } = await run(...args, "--json");
  expect(out.trimEnd().split("\n")).toHaveLength(1);
  return JSON.parse(out) as Record<string, unknown>;
}

describe("looking", () => {
  test("ls shows those that match, with what a terminal would obey made visible", async () => {
    const [all, some, none, ids] = [
      await run("dead-letters", "ls"),
      await run("dead-letters", "ls", "--provider", "sendgrid,stripe", "--effect", "maybe"),
      await run("dead-letters", "ls", "--until", "1h"),
      await inProcess(["dead-letters", "ls", "--quiet"], { ...env, UNDERSTUDY_QUEUE: "email" }),
    ];
    expect(all).toMatchObject({ code: 0, err: "4 of 4.\n" });
    for (const id of [...mails, ...charges]) expect(all.out).toContain(id);
    expect(all.out).toContain(String.raw`exhausted: \u001b[2J\u009bgone`);
    expect(all.out + all.err).not.toContain("\u001B");
    expect(some.out).toContain(charges[0]);
    expect(some.out).not.toContain(mails[0]);
    expect(none).toMatchObject({ code: 0, out: "", err: "0 of 0.\n" });
    expect(ids.out.trim().split("\n").toSorted()).toEqual(mails.toSorted());
    expect(ids.err).toBe("");
  });

  test("on 80 columns every line fits, and an id of usual length stays whole", async () => {
    const { out } = await inProcess(["dead-letters", "ls"], { ...env, COLUMNS: "80" });
    for (const line of out.split("\n")) expect(line.length, line).toBeLessThanOrEqual(80);
    expect(out).toContain(mails[0]);
  });

  test("groups tell how many died of the same", async () => {
    const { out, err } = await run("dead-letters", "groups");
    expect(out).toMatch(/ {4}3 {2}welcome-email {2}exhausted {2}mailgun connect_failed, sendgrid http_503/u);
    expect(err).toBe("2 causes, 4 letters.\n");
  });

  test("show tells why, every call and what a redrive would do, and hides what is sensitive", async () => {
    const [shown, absent] = [
      await run("dead-letters", "show", mails[0] ?? ""),
      await run("dead-letters", "show", "welcome-email-nope"),
    ];
    expect(shown.code).toBe(0);
    expect(shown.out).toMatch(/sendgrid {2,}120 ms {2}unavailable {2}http_503/u);
    expect(shown.out).toContain('"to": "[hidden]"');
    expect(shown.out).toContain("A redrive");
    expect(shown.out).not.toContain(address);
    expect(absent).toMatchObject({
      code: 1,
      out: "",
      err: expect.stringContaining("jobs explain welcome-email-nope"),
    });
  });

  test("plan says how many are safe and how many are held, and changes nothing", async () => {
    const { code, out } = await run("dead-letters", "plan", "--all", "--rate", "2");
    expect(code).toBe(0);
    expect(out).toContain("4 dead letters, 1 of money");
    expect(out).toContain("  3  safe: nothing can happen twice");
    expect(out).toContain("  1  held until looked up");
    expect(out).toContain("At 2 a second it takes");
  });

  test("explain says why a job is where it is; of one that is nowhere, with status 1", async () => {
    const [dead, absent] = [
      await run("jobs", "explain", charges[0] ?? ""),
      await run("jobs", "explain", "charge-card-nope"),
    ];
    expect(dead).toMatchObject({ code: 0, out: expect.stringMatching(/^Nobody knows whether it happened/u) });
    expect(dead.out).toContain(`understudy dead-letters look-up ${charges[0]}`);
    expect(absent).toMatchObject({ code: 1, out: expect.stringContaining("No job has this id") });
  });
});

test("the JSON of ls, groups, plan and explain has the version and the fields that the README names", async () => {
  const [ls, groups, plan, explained] = [
    await json("dead-letters", "ls", "--limit", "2"),
    await json("dead-letters", "groups"),
    await json("dead-letters", "plan", "--all"),
    await json("jobs", "explain", charges[0] ?? ""),
  ];
  const examples = readmeExamples();
  for (const [name, value] of Object.entries({ ls, groups, plan, explained })) {
    const example = examples.get(name);
    expect(value, name).toMatchObject({ v: 1 });
    expect(shapeOf(value), name).toEqual(shapeOf(example));
  }
});

describe("acting", () => {
  test("money of unknown effect is held, says what unblocks it, and goes once a person has released it", async () => {
    const [id = ""] = charges;
    const held = await run("dead-letters", "redrive", id, "--reason", "try");
    expect(held).toMatchObject({
      code: 1,
      out: expect.stringContaining(`understudy dead-letters release ${id}`),
    });
    const viewer = await run("dead-letters", "release", id, "--reason", "x", "--role", "operator");
    expect(viewer).toMatchObject({ code: 2, out: "", err: expect.stringContaining("money-operator") });
    const unseen = await run("dead-letters", "release", id, "--reason", "not in the books");
    expect(unseen).toMatchObject({ code: 2, err: expect.stringContaining("which death of it") });
    const stale = await run("dead-letters", "release", id, "--reason", "not in the books", "--seen", "1.");
    expect(stale).toMatchObject({ code: 1, out: expect.stringContaining("not as you saw it") });
    const shown = await run("dead-letters", "show", id);
    const [, seen = ""] = /version:\s+(\S+)/u.exec(shown.out) ?? [];
    const released = run("dead-letters", "release", id, "--reason", "not in the books", "--seen", seen);
    expect(await released).toMatchObject({
      code: 0,
    });
    const gone = await run("dead-letters", "redrive", id, "--reason", "released", "--to", "stripe");
    expect(gone).toMatchObject({ code: 0, out: "" });
    expect(await run("dead-letters", "redrive", id, "--reason", "again")).toMatchObject({
      code: 1,
      out: expect.stringContaining("no such dead letter"),
    });
  });

  test("an edit is checked, its payload never repeated, and then redriven; a filter is discarded with --yes", async () => {
    const [id = ""] = mails;
    const wrong = await cli(
      ["dead-letters", "edit", id, "--payload", "-", "--reason", "typo"],
      env,
      '{"to":"grace"}',
    );
    expect(wrong.code).toBe(2);
    expect(wrong.out + wrong.err).not.toContain("grace");
    const payload = JSON.stringify({ to: "grace@example.com", name: "Grace" });
    expect(
      await cli(["dead-letters", "edit", id, "--payload", "-", "--reason", "typo"], env, payload),
    ).toMatchObject({ code: 0 });
    expect(await run("dead-letters", "redrive", id, "--reason", "mended")).toMatchObject({ code: 0 });

    const filter = ["dead-letters", "discard", "--queue", "email", "--reason", "of no use", "--rate", "100"];
    const unconfirmed = await run(...filter);
    expect(unconfirmed).toMatchObject({ code: 2, err: expect.stringContaining("give --yes") });
    const discarded = await run(...filter, "--yes");
    expect(discarded).toMatchObject({ code: 0, out: expect.stringContaining("2 of 2 discarded.") });
    expect(await run("dead-letters", "ls", "--quiet")).toMatchObject({ out: "" });
  });
});

test("what was done stands in the audit log, which is whole", async () => {
  const [page, verified] = [await json("audit", "ls"), await json("audit", "verify")];
  const entries = page["entries"] as readonly {
    readonly action: string;
    readonly by: string;
    readonly reason: string;
  }[];
  expect(entries.map(({ action }) => action)).toEqual(expect.arrayContaining(["redrive", "release", "edit"]));
  expect(entries.every(({ by }) => by.startsWith("cli:"))).toBe(true);
  const [, head = ""] = /head: (\S+)/u.exec((await run("audit", "verify")).out) ?? [];
  expect(await run("audit", "verify", "--head", head)).toMatchObject({ code: 0 });
  const other = `1:${"0".repeat(64)}`;
  expect(await run("audit", "verify", "--head", other)).toMatchObject({
    code: 1,
    out: expect.stringContaining("is another one than it was"),
  });
  expect(verified).toMatchObject({ v: 1, ok: true, head: expect.stringMatching(/^[0-9a-f]{64}$/u) });
});
