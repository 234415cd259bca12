import { createClient } from "@understudy/client";
import { welcomeEmail } from "@understudy/jobs";
import { sandboxes } from "@understudy/providers/sandbox";
import { connectWorker, familyOf, readCounts, readWorkers } from "@understudy/queue";
import { newSpace, startFaultProxy, until } from "@understudy/testkit";
import { Worker } from "bullmq";
import { expect, onTestFinished, test } from "vitest";

import { type RunningWorker, startWorker } from "./testing/start-worker.ts";

const space = newSpace();

async function sendgrid(): Promise<Awaited<ReturnType<typeof sandboxes.sendgrid.start>>> {
  const fake = await sandboxes.sendgrid.start();
  onTestFinished(() => fake.close());
  return fake;
}

/** Enqueues one e-mail and gives its id. */
async function enqueue(namespace: string): Promise<string> {
  const client = createClient({ redis: space.redisUrl, namespace });
  const { id } = await client.enqueue(welcomeEmail, { to: "ada@example.com", name: "Ada" });
  await client.close();
  return id;
}

async function ready(worker: RunningWorker): Promise<void> {
  await until("the worker is ready", async () => (await worker.get("/readyz")).status === 200);
}

test("an e-mail is delivered, counted, and told in JSON without its address; SIGTERM ends with status 0", async () => {
  const fake = await sendgrid();
  const { namespace } = newSpace();
  const worker = startWorker({ REDIS_URL: space.redisUrl, NAMESPACE: namespace }, fake);
  await ready(worker);
  const id = await enqueue(namespace);
  await worker.line(({ event, verdict }) => event === "settled" && verdict === "complete");
  expect(fake.ledger.effects).toMatchObject([{ jobId: id }]);
  expect((await worker.get("/healthz")).text).toBe("ok\n");
  expect((await worker.get("/metrics")).text).toContain(
    'provider="sendgrid",capability="email.send",kind="delivered",code=""} 1',
  );
  worker.child.kill("SIGTERM");
  expect(await worker.ended).toBe(0);
  expect(worker.output()).toContain('"msg":"stopped"');
  expect(worker.output()).not.toContain("ada@example.com");
});

test("a worker tells the fleet what it serves and what it heard, its janitor how the queues stand; and it is gone when it ends", async () => {
  const fake = await sendgrid();
  const { namespace } = newSpace();
  const redis = connectWorker(space.redisUrl);
  onTestFinished(() => redis.disconnect());
  const worker = startWorker({ REDIS_URL: space.redisUrl, NAMESPACE: namespace }, fake);
  await ready(worker);
  await enqueue(namespace);
  await worker.line(({ event, verdict }) => event === "settled" && verdict === "complete");
  expect(await readWorkers(redis, namespace)).toMatchObject([
    { pid: worker.child.pid, role: "both", queues: ["email"], routes: { "email.send": ["sendgrid"] } },
  ]);
  const window = (): Parameters<typeof readCounts>[2] => ({ windowMs: 120_000, now: Date.now() });
  const counts = await until("it has told its counts", async () => {
    const told = await readCounts(redis, namespace, window());
    return told.length === 2 ? told : undefined;
  });
  expect(counts).toEqual(
    expect.arrayContaining([
      { of: { what: "call", provider: "sendgrid", capability: "email.send", kind: "delivered" }, count: 1 },
      { of: { what: "settled", queue: "email", verdict: "complete" }, count: 1 },
    ]),
  );
  await until("the janitor has looked", async () =>
    (await worker.get("/metrics")).text.includes('understudy_failed_without_dead_letter{queue="email"} 0'),
  );
  worker.child.kill("SIGTERM");
  expect(await worker.ended).toBe(0);
  expect(await readWorkers(redis, namespace)).toEqual([]);
});

test("SIGTERM lets a call in flight finish before the worker ends", async () => {
  const fake = await sendgrid();
  await fake.faults.set({ mode: "latency", share: 1, latencyMs: 1000 });
  let strikes = 0;
  const strike = fake.faults.strike.bind(fake.faults);
  fake.faults.strike = () => {
    strikes += 1;
    return strike();
  };
  const { namespace } = newSpace();
  const worker = startWorker({ REDIS_URL: space.redisUrl, NAMESPACE: namespace }, fake);
  await ready(worker);
  await enqueue(namespace);
  await until("the call is on its way", () => strikes === 1);
  worker.child.kill("SIGTERM");
  expect(await worker.ended).toBe(0);
  expect(worker.lines().map(({ event }) => event)).toEqual(
    expect.arrayContaining(["draining", "settled", "stopped"]),
  );
  expect(fake.ledger.effects).toMatchObject([{ answered: true }]);
});

test("a second SIGINT ends at once with status 1 and says what that leaves", async () => {
  const fake = await sendgrid();
  await fake.faults.set({ mode: "accept-then-hang", share: 1 });
  const { namespace } = newSpace();
  const worker = startWorker({ REDIS_URL: space.redisUrl, NAMESPACE: namespace }, fake);
  await ready(worker);
  await enqueue(namespace);
  await until("the mail has arrived", () => fake.ledger.accepted === 1);
  // The repeats that come within 300 ms of the first are one signal that npm passed on.
  await until("the worker has ended", () => {
    worker.child.kill("SIGINT");
    return worker.child.exitCode !== null;
  });
  expect(await worker.ended).toBe(1);
  expect(worker.output()).toMatch(
    /ended at once: 1 job was running and keeps its lock.*: welcome-email-[\w-]{20}/u,
  );
});

test("whoever started it over an IPC channel being gone, it drains", async () => {
  const worker = startWorker(
    { REDIS_URL: space.redisUrl, NAMESPACE: newSpace().namespace },
    await sendgrid(),
  );
  await ready(worker);
  worker.child.disconnect();
  expect(await worker.ended).toBe(0);
});

test("a wrong environment ends with status 2 and the whole list", async () => {
  const worker = startWorker({ REDIS_URL: "", HTTP_PORT: "x", SENDGRID_API_KEY: "" });
  expect(await worker.ended).toBe(2);
  expect(worker.output()).toBe(
    [
      "The environment needs mending (see .env.example):",
      "  - REDIS_URL is not set.",
      "  - SENDGRID_API_KEY is not set; sendgrid is on a route.",
      "  - HTTP_PORT is wrong: must be a whole number from 0 to 65535.",
      "",
    ].join("\n"),
  );
});

test("a port that is taken ends with status 2 before a job is touched", async () => {
  const fake = await sendgrid();
  const { port } = new URL(fake.url);
  const worker = startWorker({ REDIS_URL: space.redisUrl, HTTP_PORT: port }, fake);
  expect(await worker.ended).toBe(2);
  expect(worker.output()).toBe(
    `The health server cannot listen on 127.0.0.1:${port} (the port is taken). Set HTTP_PORT to a free port, 0 for any, and HTTP_HOST to an address of this machine.\n`,
  );
});

test("with Redis away it says so, stays up unready, serves when Redis comes, and says so", async () => {
  const { hostname, port } = new URL(space.redisUrl);
  const proxy = await startFaultProxy({ host: hostname, port: Number(port) });
  onTestFinished(() => proxy.close());
  proxy.refuse();
  const fake = await sendgrid();
  const { namespace } = newSpace();
  const worker = startWorker({ REDIS_URL: `redis://127.0.0.1:${proxy.port}`, NAMESPACE: namespace }, fake);
  const lost = await worker.line(({ event }) => event === "redis_lost");
  expect(lost.msg).toContain(`Redis at 127.0.0.1:${proxy.port} is out of reach: nothing listens there`);
  expect((await worker.get("/readyz")).status).toBe(503);
  expect((await worker.get("/healthz")).status).toBe(200);
  await enqueue(namespace);
  await proxy.heal();
  await worker.line(({ event, verdict }) => event === "settled" && verdict === "complete");
  await ready(worker);
  await worker.line(({ event }) => event === "redis_back");
  expect(worker.lines().filter(({ event }) => event === "redis_lost")).toHaveLength(1);
  expect(worker.lines().filter(({ event }) => event === "trouble")).toEqual([]);
});

test("SIGTERM while Redis is away ends within the deadline and its grace", async () => {
  const worker = startWorker({ REDIS_URL: "redis://127.0.0.1:1", DRAIN_DEADLINE_MS: "0" }, await sendgrid());
  await worker.line(({ event }) => event === "redis_lost");
  worker.child.kill("SIGTERM");
  expect(await worker.ended).toBe(1);
  expect(worker.output()).toContain("ended although Redis does not answer");
});

test("a wrong password is told as such, and never itself", async () => {
  const { host } = new URL(space.redisUrl);
  const worker = startWorker({ REDIS_URL: `redis://somebody:hunter2@${host}` }, await sendgrid());
  const lost = await worker.line(({ event }) => event === "redis_lost");
  expect(lost.msg).toContain("it refuses the user or password of REDIS_URL");
  worker.child.kill("SIGKILL");
  await worker.ended;
  expect(worker.output()).not.toContain("hunter2");
});

test("a janitor, told by its flag, runs no jobs and moves what has failed to the dead letters", async () => {
  const fake = await sendgrid();
  const { namespace } = newSpace();
  const { id } = await failed(namespace);
  const waiting = await enqueue(namespace);
  const worker = startWorker(
    { REDIS_URL: space.redisUrl, NAMESPACE: namespace, ROUTE_EMAIL_SEND: "" },
    fake,
    ["--role", "janitor"],
  );
  await ready(worker);
  const client = createClient({ redis: space.redisUrl, namespace });
  onTestFinished(() => client.close());
  expect(await client.result(id)).toMatchObject({ state: "dead", dead: { reason: "boom" } });
  await until(
    "the letter is moved",
    async () =>
      (await client.enqueue(welcomeEmail, { to: "x@example.com", name: "X" }, { idempotencyKey: "dead" }))
        .status === "conflict",
  );
  expect(await client.status(waiting)).toMatchObject({ state: "waiting" });
  worker.child.kill("SIGTERM");
  expect(await worker.ended).toBe(0);
});

test("a flag that it does not know is told, with those it knows", async () => {
  const fake = await sendgrid();
  const worker = startWorker({ REDIS_URL: space.redisUrl }, fake, ["--rôle", "work"]);
  expect(await worker.ended).toBe(2);
  expect(worker.output()).toContain("The only flag is --role both|work|janitor");
});

/** A job that something else than our worker has failed. */
async function failed(namespace: string): Promise<{ readonly id: string }> {
  const client = createClient({ redis: space.redisUrl, namespace });
  const { id } = await client.enqueue(
    welcomeEmail,
    { to: "ada@example.com", name: "Ada" },
    { idempotencyKey: "dead" },
  );
  const { name, prefix } = familyOf("email", namespace);
  const bare = new Worker(name, () => Promise.reject(new Error("boom")), {
    connection: { url: space.redisUrl },
    prefix,
  });
  await until("it has failed", async () => (await client.status(id)).state === "dead");
  await bare.close();
  await client.close();
  return { id };
}
