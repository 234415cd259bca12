import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { newSpace } from "@understudy/testkit";
import { expect, onTestFinished, test } from "vitest";

import type { Ended } from "./testing/cli.ts";
import { inProcess } from "./testing/in-process.ts";

const { redisUrl, namespace } = newSpace();
const env = { REDIS_URL: redisUrl, NAMESPACE: namespace, UNDERSTUDY_REASON: "for a test" };
const payload = '{"to":"ada@example.com","name":"Ada"}';

async function run(...args: readonly string[]): Promise<Ended> {
  return await inProcess(args, env);
}

test("a job that is enqueued under a key is there once, is explained, and can be cancelled", async () => {
  const enqueue = ["enqueue", "welcome-email", "--key", "order-1", "--delay", "1h", "--priority", "3"];
  const created = await run(...enqueue, "--payload", payload);
  expect(created).toMatchObject({ code: 0, out: expect.stringMatching(/^welcome-email-[\w-]{20}\n$/u) });
  const id = created.out.trim();
  expect(await run(...enqueue, "--payload", payload)).toMatchObject({
    code: 0,
    out: created.out,
    err: expect.stringContaining("known already"),
  });
  expect(await run(...enqueue, "--payload", payload.replace("Ada", "Grace"))).toMatchObject({
    code: 1,
    err: expect.stringContaining("known with another payload"),
  });

  const shown = await run("jobs", "show", id);
  expect(shown).toMatchObject({
    code: 0,
    out: expect.stringContaining(`${id} is delayed: welcome-email on email`),
  });
  expect(shown.out).not.toContain("ada@");
  expect(await run("jobs", "explain", id)).toMatchObject({ code: 0, out: expect.stringContaining("Due ") });

  expect(await run("jobs", "cancel", id, "--role", "viewer")).toMatchObject({
    code: 2,
    err: expect.stringContaining("is viewer, and cancel needs the role operator"),
  });
  expect(await run("jobs", "cancel", id)).toMatchObject({
    code: 0,
    err: expect.stringContaining("it had no effect"),
  });
  expect(await run("jobs", "cancel", id, "--reason", "again")).toMatchObject({
    code: 1,
    out: expect.stringContaining("dead already"),
  });
  expect(await run("jobs", "cancel", "welcome-email-nope")).toMatchObject({
    code: 1,
    err: expect.stringContaining("There is no job"),
  });

  const { entries } = JSON.parse((await run("audit", "ls", "--json")).out) as {
    readonly entries: readonly unknown[];
  };
  expect(entries).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ action: "enqueue", subject: id, result: "created", reason: "for a test" }),
      expect.objectContaining({ action: "cancel", subject: id, result: "cancelled", role: "admin" }),
    ]),
  );
});

test("a payload may stand in a file; what is wrong with it is said without repeating it", async () => {
  const folder = mkdtempSync(join(tmpdir(), "understudy-enqueue-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "mail.json");
  writeFileSync(file, payload);
  expect(await run("enqueue", "welcome-email", "--payload", `@${file}`)).toMatchObject({ code: 0 });
  writeFileSync(file, '{"to":"ada.example.com","name":"Ada"}');
  const wrong = await run("enqueue", "welcome-email", "--payload", `@${file}`);
  expect(wrong).toMatchObject({ code: 2, out: "", err: expect.stringContaining("to: ") });
  expect(wrong.err).not.toContain("ada.example");
  expect(await run("enqueue", "welcome-email", "--payload", `@${file}x`)).toMatchObject({
    code: 2,
    err: expect.stringContaining("cannot be read (ENOENT)"),
  });
});

test("money needs a key, and a role", async () => {
  const charge = '{"amountMinor":100,"currency":"EUR","paymentMethod":{"stripe":"pm_1"}}';
  expect(await run("enqueue", "charge-card", "--payload", charge)).toMatchObject({
    code: 2,
    err: expect.stringContaining("idempotencyKey"),
  });
  expect(await run("enqueue", "charge-card", "--payload", charge, "--role", "operator")).toMatchObject({
    code: 2,
    err: expect.stringContaining("needs the role money-operator"),
  });
  expect(await run("enqueue", "charge-card", "--payload", charge, "--key", "order-2")).toMatchObject({
    code: 0,
  });
});

test("where a job goes to sinks, they are those of the route, or the ones that are named", async () => {
  const events = JSON.stringify({
    userId: "u1",
    events: [{ id: "e1", name: "signed_up", at: new Date().toISOString() }],
  });
  const enqueue = ["enqueue", "sync-analytics", "--payload", events];
  const routed = await inProcess(enqueue, { ...env, ROUTE_ANALYTICS_TRACK: "segment, mixpanel" });
  expect(routed).toMatchObject({ code: 0, out: expect.stringMatching(/^\S+-segment\n\S+-mixpanel\n$/u) });
  const named = await run(...enqueue, "--provider", "segment");
  expect(named).toMatchObject({ code: 0, out: expect.stringMatching(/^\S+-segment\n$/u) });
  expect(await run(...enqueue)).toMatchObject({ code: 2, out: "" });
});
