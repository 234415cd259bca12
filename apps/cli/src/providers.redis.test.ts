import { addCounts, announceWorker, bucketOf, connectWorker } from "@understudy/queue";
import { newSpace, until } from "@understudy/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";

import { type Ended, hasTerminal, startInTerminal } from "./testing/cli.ts";
import { inProcess } from "./testing/in-process.ts";
import { readmeExamples, shapeOf } from "./testing/shape.ts";

const { redisUrl, namespace } = newSpace();
const env = { REDIS_URL: redisUrl, NAMESPACE: namespace, UNDERSTUDY_REASON: "for a test" };
const redis = connectWorker(redisUrl);
const mail = "email.send";

beforeAll(async () => {
  await announceWorker(redis, namespace, {
    id: "w",
    host: "h",
    pid: 1,
    role: "both",
    queues: ["email"],
    routes: { [mail]: ["sendgrid", "mailgun"], "payment.charge": ["stripe"] },
    circuits: {},
    startedAt: 1,
  });
  const about = { provider: "sendgrid", capability: mail };
  const now = Date.now();
  await addCounts(redis, namespace, {
    counts: [
      { of: { what: "call", ...about, kind: "delivered" }, count: 90 },
      { of: { what: "call", ...about, kind: "unavailable" }, count: 10 },
    ],
    errors: [{ provider: "sendgrid", code: "http_503", at: now }],
    latencies: [{ ...about, slow: 2, buckets: new Map([[bucketOf(40), 100]]) }],
    proven: [{ ...about, at: now }],
    now,
  });
});
afterAll(() => redis.disconnect());

async function run(...args: readonly string[]): Promise<Ended> {
  return await inProcess(["providers", ...args], env);
}

async function json(...args: readonly string[]): Promise<Record<string, unknown>> {
  return JSON.parse((await run(...args, "--json")).out) as Record<string, unknown>;
}

test("ls has a row for each provider and capability, and fits whatever terminal there is", async () => {
  const { out, code } = await run("ls");
  expect(code).toBe(0);
  expect(out).toMatch(
    /^email\.send +sendgrid +closed +100 +10 % +0 % +2\.0 % +\d+ ms +\d+ ms +\d+ ms +100 % +–$/mu,
  );
  expect(out).toMatch(/^payment\.charge +stripe +closed +0 +–/mu);
  for (const width of [60, 80, 120]) {
    const narrow = await inProcess(["providers", "ls"], { ...env, COLUMNS: String(width) });
    for (const line of narrow.out.split("\n")) expect(line.length, line).toBeLessThanOrEqual(width);
  }
  expect((await run("ls", "--quiet")).out.split("\n")).toContain(`sendgrid ${mail}`);
});

test("a verb is given with reason and end, seen by ls, history and doctor, and taken back", async () => {
  const given = await run("divert", "sendgrid", "--capability", mail, "--for", "2h");
  expect(given).toMatchObject({
    code: 0,
    out: "",
    err: expect.stringContaining(`understudy providers restore sendgrid --capability ${mail}`),
  });
  const { out } = await run("ls");
  expect(out).toMatch(/divert by cli:\S+ until \d{4}-\S+ \S+: for a test/u);
  expect(out).toContain(`sendgrid ${mail}: diverted by cli:`);
  expect(out).toContain(`100 % of ${mail} goes to mailgun.`);

  const last = await run("isolate", "mailgun");
  expect(last.code).toBe(0);
  expect(last.out).toContain(`Warning: Nobody is left to serve ${mail}`);
  const doctor = await inProcess(["doctor", "--json"], env);
  expect((JSON.parse(doctor.out) as { readonly findings: readonly unknown[] }).findings).toEqual(
    expect.arrayContaining([
      expect.objectContaining({
        check: "directives",
        level: "warning",
        mend: 'understudy providers restore mailgun --reason "…"',
      }),
      expect.objectContaining({ check: "backups", sentence: expect.stringContaining("mailgun") }),
    ]),
  );

  expect(await run("restore", "sendgrid")).toMatchObject({ code: 0, out: "" });
  expect(await run("restore", "sendgrid")).toMatchObject({
    code: 1,
    out: expect.stringContaining("Nothing was said of sendgrid"),
  });
  expect(await run("restore", "mailgun", "--quiet")).toMatchObject({ code: 0, out: "", err: "" });
  const { out: history } = await run("history");
  expect(history.split("\n").slice(1, 5)).toEqual([
    expect.stringMatching(/mailgun +restore/u),
    expect.stringMatching(/sendgrid email\.send +restore/u),
    expect.stringMatching(/mailgun +isolate/u),
    expect.stringMatching(/sendgrid email\.send +divert until/u),
  ]);
});

test("what was said of a provider that no live worker has on a route is in ls and doctor", async () => {
  const worker = { id: "w2", host: "h", pid: 2, role: "work", queues: ["email"], circuits: {}, startedAt: 1 };
  await announceWorker(redis, namespace, { ...worker, routes: { [mail]: ["postmark"] } });
  expect((await run("isolate", "postmark")).code).toBe(0);
  await announceWorker(redis, namespace, { ...worker, routes: {} });
  expect((await run("ls")).out).toMatch(
    /^postmark: isolate by cli:\S+: for a test; no live worker has it on a route\.$/mu,
  );
  const doctor = await inProcess(["doctor", "--json"], env);
  expect(doctor.out).toContain("understudy providers restore postmark --reason");
  expect((await run("restore", "postmark")).code).toBe(0);
  expect((await run("ls")).out).not.toContain("postmark");
});

const skipped = hasTerminal ? "" : " (skipped: no script command to make a terminal)";
test.skipIf(!hasTerminal)(`what speaks against it is asked about in a terminal${skipped}`, async () => {
  const act = startInTerminal(["providers", "isolate", "stripe", "--for", "5m"], env);
  await until("the question", () => act.out().includes("Type stripe to isolate it"));
  expect(act.out()).toContain("Nobody is left to serve payment.charge");
  act.child.stdin?.write("yes\n");
  const { code, out } = await act.ended;
  expect({ code, out }).toMatchObject({ code: 1, out: expect.stringContaining("Nothing was changed.") });
  expect((await run("history")).out).not.toContain("stripe");
});

test("what makes no sense, and what the role does not permit, is refused with status 2", async () => {
  expect(await run("divert", "postmark")).toMatchObject({
    code: 2,
    err: expect.stringContaining("there are mailgun, sendgrid, stripe"),
  });
  expect(await run("divert", "sendgrid", "--for", "60d")).toMatchObject({
    code: 2,
    err: expect.stringContaining("at most 30 days"),
  });
  expect(await run("divert", "sendgrid", "--for", "soon")).toMatchObject({ code: 2 });
  expect(await run("isolate", "stripe", "--role", "operator")).toMatchObject({
    code: 2,
    err: expect.stringContaining("needs the role money-operator"),
  });
});

test("its JSON is as the README has it", async () => {
  const examples = readmeExamples();
  const given = await json("divert", "sendgrid", "--capability", mail, "--for", "2h");
  const views = await json("ls");
  // Of a list the first counts: that of the provider that something can be said of.
  const first = (views["providers"] as readonly { readonly provider: string }[]).find(
    ({ provider }) => provider === "sendgrid",
  );
  expect(shapeOf({ v: views["v"], providers: [first] })).toEqual(shapeOf(examples.get("providers")));
  expect(shapeOf(given)).toEqual(shapeOf(examples.get("directed")));
  expect(shapeOf(await json("restore", "sendgrid"))).toEqual(shapeOf(examples.get("restored")));
  expect(Object.keys(await json("history"))).toEqual(["v", "transitions"]);
});
