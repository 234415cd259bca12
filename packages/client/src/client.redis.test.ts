import { defineCapability, defineJob } from "@understudy/core";
import { passwordReset, sendEmail, welcomeEmail } from "@understudy/jobs";
import { connectWorker, familyOf, locate } from "@understudy/queue";
import { newSpace, startFaultProxy, until } from "@understudy/testkit";
import { describe, expect, onTestFinished, test } from "vitest";
import * as z from "zod";

import { type Client, type ClientOptions, createClient } from "./client.ts";
import { EnqueueError } from "./enqueue-error.ts";

const { redisUrl, namespace } = newSpace();
const ada = { to: "ada@example.com", name: "Ada" };

function client(options: Partial<ClientOptions> = {}): Client {
  const one = createClient({ redis: redisUrl, namespace, ...options });
  onTestFinished(() => one.close());
  return one;
}

async function failureOf(promise: Promise<unknown>): Promise<EnqueueError> {
  const error: unknown = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof EnqueueError)) throw new Error(`expected an EnqueueError, got ${String(error)}`);
  return error;
}

describe("one key is one job", () => {
  test("created, then duplicate, and conflict with another payload", async () => {
    const { enqueue } = client();
    const key = { idempotencyKey: "customer-1" };
    const first = await enqueue(welcomeEmail, ada, key);
    expect(first).toMatchObject({ queue: "email", status: "created", idempotencyKey: "customer-1" });
    expect(first.id).toMatch(/^welcome-email-[\w-]{20}$/u);
    expect(await enqueue(welcomeEmail, { name: "Ada", to: "ada@example.com" }, key)).toEqual({
      ...first,
      status: "duplicate",
    });
    expect(await enqueue(welcomeEmail, { ...ada, name: "Bob" }, key)).toEqual({
      ...first,
      status: "conflict",
    });
  });

  test("of many at once, exactly one creates it", async () => {
    const { enqueue } = client();
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => enqueue(welcomeEmail, ada, { idempotencyKey: "race" })),
    );
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === "created")).toHaveLength(1);
    expect(statuses.filter((status) => status === "duplicate")).toHaveLength(49);
  });

  test("without a key every enqueue is a job of its own", async () => {
    const { enqueue } = client();
    const [one, two] = [await enqueue(welcomeEmail, ada), await enqueue(welcomeEmail, ada)];
    expect(one.id).not.toBe(two.id);
    expect(two.status).toBe("created");
  });

  test("many at once are told apart one by one", async () => {
    const { enqueueMany } = client();
    const people = Array.from({ length: 250 }, (_, n) => ({ to: `p${n % 200}@example.com`, name: "P" }));
    const answers = await enqueueMany(welcomeEmail, people, { idempotencyKey: ({ to }) => to });
    expect(answers.filter(({ status }) => status === "created")).toHaveLength(200);
    expect(answers.slice(200).every(({ status }) => status === "duplicate")).toBe(true);
  });
});

describe("wrong payloads", () => {
  test("name every path that is wrong, and store nothing", async () => {
    const error = await failureOf(
      client().enqueue(welcomeEmail, { to: "hunter2-not-an-address", name: 7 } as never),
    );
    expect(error).toMatchObject({ code: "payload_invalid", idempotencyKeys: [] });
    expect(error.message).toContain("welcome-email");
    expect(error.message).toContain("to: ");
    expect(error.message).toContain("name: ");
    expect(error.message).not.toContain("hunter2");
  });

  test("say which of many is wrong, and none of them is stored", async () => {
    const error = await failureOf(
      client().enqueueMany(
        passwordReset,
        [
          { to: "a@example.com", resetUrl: "https://example.com/1" },
          { to: "b@example.com", resetUrl: "javascript:alert(1)" },
        ],
        { idempotencyKey: ({ to }) => to },
      ),
    );
    expect(error.message).toContain("(payload 1)");
    expect(
      await client().enqueue(
        passwordReset,
        { to: "a@example.com", resetUrl: "https://example.com/1" },
        { idempotencyKey: "a@example.com" },
      ),
    ).toMatchObject({ status: "created" });
  });

  test("that make no valid request are found before they are stored", async () => {
    const odd = { ...welcomeEmail, toRequest: () => ({ from: { email: "x" }, to: [], subject: "" }) };
    const error = await failureOf(client().enqueue(odd, ada));
    expect(error).toMatchObject({ code: "payload_invalid" });
    expect(error.message).toContain("makes no email.send request");
  });

  test("that JSON cannot carry are refused", async () => {
    const job = defineJob({
      name: "big-job",
      queue: "email",
      capability: sendEmail.capability,
      payload: z.object({ n: z.bigint() }),
      toRequest: () => ({}) as never,
    });
    expect(await failureOf(client().enqueue(job, { n: 1n }))).toMatchObject({ code: "payload_invalid" });
  });

  test("over the limit are refused with both sizes", async () => {
    const mail = { from: "a@example.com", to: ["b@example.com"], subject: "s", text: "x".repeat(3000) };
    const error = await failureOf(client({ maxPayloadBytes: 2000 }).enqueue(sendEmail, mail));
    expect(error.code).toBe("payload_too_large");
    expect(error.message).toMatch(/takes 3\d{3} bytes, more than the 2000 allowed/u);
  });

  test("are compile errors", () => {
    const { enqueue } = client();
    // @ts-expect-error a welcome-email has a name
    const missing = (): unknown => enqueue(welcomeEmail, { to: "a@example.com" });
    // @ts-expect-error an address is a string
    const wrong = (): unknown => enqueue(welcomeEmail, { to: 7, name: "A" });
    expect([missing, wrong]).toHaveLength(2);
  });
});

describe("money", () => {
  const pay = defineCapability({
    name: "payment.test",
    request: z.object({}),
    receipt: z.object({}),
    duplicates: "forbidden",
  });
  const charge = defineJob({
    name: "test-charge",
    queue: "payments",
    payload: z.object({}),
    capability: pay,
    toRequest: () => ({}),
  });

  test("without a key is refused, by the types as well", async () => {
    // @ts-expect-error a charge needs an idempotency key
    const error = await failureOf(client().enqueue(charge, {}));
    expect(error.code).toBe("key_required");
  });
  test("with a key is stored", async () => {
    expect(await client().enqueue(charge, {}, { idempotencyKey: "order-1" })).toMatchObject({
      status: "created",
      queue: "payments",
    });
  });
});

test.each([
  [{ delayMs: -1 }, "delayMs"],
  [{ delayMs: 1.5 }, "delayMs"],
  [{ priority: 0 }, "priority"],
  [{ idempotencyKey: "" }, "idempotencyKey"],
  [{ idempotencyKey: "x".repeat(513) }, "idempotencyKey"],
  [{ providers: [] }, "providers"],
  [{ providers: [1] }, "providers"],
  [{ providers: "sendgrid" }, "providers"],
  [{ deliverBy: 1000 }, "deliverBy"],
  [{ deliverBy: new Date("never") }, "deliverBy"],
  [{ deliverBy: Date.now() + 60_000, delayMs: 120_000 }, "deliverBy"],
])("the option %j is refused by name", async (options, name) => {
  const error = await failureOf(client().enqueue(welcomeEmail, ada, options as { readonly delayMs: number }));
  expect(error.code).toBe("option_invalid");
  expect(error.message).toContain(name);
});

test.each([
  { deadlineMs: Number.NaN },
  { deadlineMs: 0 },
  { maxPayloadBytes: Number.NaN },
  { namespace: "a b" },
])("a client with %j is refused by name", (options) => {
  const [name = ""] = Object.keys(options);
  expect(() => createClient({ redis: redisUrl, ...options })).toThrow(name);
});

test("options that are null are none", async () => {
  expect(await client().enqueue(welcomeEmail, ada, null as never)).toMatchObject({ status: "created" });
});

test("a delayed job counts its age from when it is due", async () => {
  const { id } = await client().enqueue(welcomeEmail, ada, { delayMs: 60_000 });
  const redis = connectWorker(redisUrl);
  onTestFinished(() => redis.disconnect());
  const { place, data } = await locate(redis, familyOf("email", namespace), id);
  const envelope = JSON.parse(data ?? "{}") as {
    readonly enqueuedAt: number;
    readonly lifeStartedAt: number;
  };
  expect([place, envelope.lifeStartedAt - envelope.enqueuedAt]).toEqual(["delayed", 60_000]);
});

describe("Redis away", () => {
  async function proxied(): Promise<{
    readonly redis: string;
    readonly proxy: Awaited<ReturnType<typeof startFaultProxy>>;
  }> {
    const { hostname, port } = new URL(redisUrl);
    const proxy = await startFaultProxy({ host: hostname, port: Number(port) });
    onTestFinished(() => proxy.close());
    return { redis: `redis://127.0.0.1:${proxy.port}`, proxy };
  }

  test("the error comes within the deadline, and carries the key with which a retry cannot double", async () => {
    const { redis, proxy } = await proxied();
    const { enqueue } = client({ redis, deadlineMs: 400 });
    await enqueue(welcomeEmail, ada);
    proxy.silence({ deliver: true });
    const error = await failureOf(enqueue(welcomeEmail, ada));
    expect(error.code).toBe("redis_unreachable");
    await proxy.heal();
    const again = await enqueue(welcomeEmail, ada, { idempotencyKey: error.idempotencyKey ?? "" });
    expect(again.status).toBe("duplicate");
  });

  test("at start too, without hanging, and the client works once Redis is there", async () => {
    const { redis, proxy } = await proxied();
    proxy.refuse();
    const { enqueue } = client({ redis, deadlineMs: 300 });
    const started = performance.now();
    const error = await failureOf(enqueue(welcomeEmail, ada));
    expect(performance.now() - started).toBeLessThan(1500);
    await proxy.heal();
    // Its next try to connect may be later than this deadline.
    const again = await until("it is connected", () =>
      enqueue(welcomeEmail, ada, { idempotencyKey: error.idempotencyKey ?? "" }).catch(
        (trouble: EnqueueError) =>
          trouble.code === "redis_unreachable" ? undefined : Promise.reject(trouble),
      ),
    );
    // By this one, or by one whose answer came too late.
    expect(["created", "duplicate"]).toContain(again.status);
  });

  test("in the middle of many: what was surely stored is told, and all keys are there to go on with", async () => {
    const { redis, proxy } = await proxied();
    const { enqueueMany } = client({ redis, deadlineMs: 400 });
    proxy.refuse();
    const error = await failureOf(enqueueMany(welcomeEmail, [ada, ada]));
    expect(error.enqueued).toEqual([]);
    expect(error.idempotencyKeys).toHaveLength(2);
  });
});
