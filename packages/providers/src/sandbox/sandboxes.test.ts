import { generateKeyPairSync } from "node:crypto";

import {
  type AnyProvider,
  chargeRequest,
  emailRequest,
  type Outcome,
  secretKeysOf,
  trackRequest,
} from "@understudy/core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { providers } from "../index.ts";
import { environmentOf, faultSchema, type RunningSandbox, sandboxes } from "./index.ts";

const request = emailRequest.parse({
  from: "shop@example.com",
  to: ["ada@example.org"],
  subject: "Your order",
  text: "It is on its way.",
});

interface Sample {
  /** Taken by every fake of the capability; the nth is another one than those before it. */
  readonly request: (provider: string, nth: number) => unknown;
  /** What its ledger keeps, besides who asked. */
  readonly effect: Readonly<Record<string, unknown>>;
}

const samples: Readonly<Record<string, Sample>> = {
  "email.send": {
    request: () => request,
    effect: { messageId: "<order-7@example.com>", recipients: 1 },
  },
  "payment.charge": {
    request: (provider) =>
      chargeRequest.parse({
        amountMinor: 1050,
        currency: "EUR",
        paymentMethod: { [provider]: "token-ok" },
        customer: { [provider]: "customer-ok" },
      }),
    effect: { money: "charge", amountMinor: 1050 },
  },
  "analytics.track": {
    request: (_, nth) =>
      trackRequest.parse({
        userId: "ada",
        events: [
          { id: `e-${nth}`, name: "Order placed", at: "2026-11-24T05:00:00Z", properties: { total: 10.5 } },
        ],
      }),
    effect: { eventId: expect.stringMatching(/^e-\d+$/u) },
  },
};

interface Expected {
  readonly outcome: Readonly<Record<string, unknown>>;
  /** How many requests the fake took. */
  readonly accepted: number;
}

/** What a worker sees of each fault, and what really happened. */
const faults: Readonly<Record<string, Expected>> = {
  healthy: { outcome: { kind: "delivered" }, accepted: 1 },
  "429": { outcome: { kind: "throttled", retryAfterMs: 7000 }, accepted: 0 },
  "500": { outcome: { kind: "ambiguous" }, accepted: 0 },
  "503": { outcome: { kind: "unavailable" }, accepted: 0 },
  "html-200": { outcome: { kind: "ambiguous", code: "malformed_answer" }, accepted: 0 },
  refuse: { outcome: { kind: "unavailable", code: "connect_failed" }, accepted: 0 },
  "reset-before-answer": { outcome: { kind: "ambiguous", code: "connection_lost" }, accepted: 0 },
  "accept-then-hang": { outcome: { kind: "ambiguous", code: "timeout" }, accepted: 1 },
  "accept-then-reset": { outcome: { kind: "ambiguous", code: "connection_lost" }, accepted: 1 },
  "accept-then-500": { outcome: { kind: "ambiguous" }, accepted: 1 },
};
/** A 503 that names no time is a refusal at some vendors only. */
const later: Readonly<Record<string, true>> = { "429": true, "503": true };

/** Where a vendor's documentation says otherwise. */
const otherwise: Readonly<Record<string, Readonly<Record<string, Expected["outcome"]>>>> = {
  // An SMTP relay that answers has not taken the message.
  smtp: { "500": { kind: "unavailable" } },
  // An access token is asked for first, and without one nobody is charged.
  paypal: {
    "500": { kind: "unavailable", code: "http_500" },
    "html-200": { kind: "unavailable", code: "malformed_answer" },
    "reset-before-answer": { kind: "unavailable", code: "connection_lost" },
  },
  // Money: no 503 proves that nothing was done.
  square: { "503": { kind: "ambiguous", code: "http_503" } },
  stripe: { "503": { kind: "ambiguous", code: "http_503" } },
};

/** Vendors that answer wrong credentials as they answer right ones, and drop what came with them. */
const silentOnStrangers: ReadonlySet<string> = new Set(["segment", "ga4"]);

/** Where another word in a secret makes no credential of somebody else's: one that is. */
const strangers: Readonly<Record<string, () => Readonly<Record<string, string>>>> = {
  snowflake: () => {
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    return { privateKey: String(privateKey.export({ type: "pkcs8", format: "pem" })) };
  },
};

describe.each(Object.keys(sandboxes) as (keyof typeof sandboxes)[])("the fake of %s", (name) => {
  const provider: AnyProvider = providers[name];
  const implementation = provider.adapters[0];
  const sample = samples[implementation?.capability.name ?? ""];
  let fake: RunningSandbox;
  let sent = 0;
  beforeEach(async () => {
    fake = await sandboxes[name].start();
  });
  afterEach(() => fake.close());

  const send = async (given?: unknown, config = fake.config, jobId = "order-7"): Promise<Outcome> => {
    const adapter = implementation?.create(provider.config.parse(config));
    const control = new AbortController();
    if (adapter === undefined) throw new Error("no adapter");
    sent += 1;
    const asked = given ?? sample?.request(name, sent);
    const call = { jobId, idempotencyKey: `order-7-g${sent}`, signal: control.signal };
    const outcome = adapter(asked, call);
    if (fake.faults.current.mode === "accept-then-hang") {
      await expect.poll(() => fake.ledger.accepted, { interval: 5 }).toBe(1);
      control.abort(new DOMException("late", "TimeoutError"));
    }
    return outcome;
  };
  const mailTo = (...to: string[]): unknown => ({ ...request, to: to.map((email) => ({ email })) });
  const isMail = implementation?.capability.name === "email.send";

  test.each(Object.entries(faults))("plays %s", async (mode, { outcome, accepted }) => {
    await fake.faults.set(faultSchema.parse({ mode, ...(mode in later && { retryAfter: 7 }) }));
    expect(await send()).toMatchObject({ ...(otherwise[name]?.[mode] ?? outcome), provider: name });
    expect(fake.ledger.accepted).toBe(accepted);

    await fake.faults.heal();
    expect(await send(undefined, fake.config, "order-8")).toMatchObject({ kind: "delivered" });
    expect(fake.ledger.accepted).toBe(accepted + 1);
  });

  test("plays latency, and serves all the same", async () => {
    await fake.faults.set(faultSchema.parse({ mode: "latency", latencyMs: 50 }));
    const outcome = await send();
    expect(outcome.kind).toBe("delivered");
    expect(outcome.durationMs).toBeGreaterThanOrEqual(50);
  });

  test("notes who asked, for what, and whether they were told", async () => {
    await send();
    await expect
      .poll(() => fake.ledger.effects, { interval: 5 })
      .toMatchObject([{ provider: name, jobId: "order-7", ...sample?.effect, answered: true }]);
    fake.ledger.clear();
    expect([fake.ledger.accepted, fake.ledger.effects]).toEqual([0, []]);
  });

  test.runIf(isMail)(
    "notes for how many a mail was, and refuses a bad address as its vendor would",
    async () => {
      await send(mailTo("ada@example.org", "grace@example.org"));
      expect(fake.ledger.effects).toMatchObject([{ recipients: 2 }]);
      expect(await send(mailTo("nobody@rejected.example"))).toMatchObject({ kind: "rejected" });
      expect(await send(mailTo("nobody@hard.bounce.test"))).toMatchObject({ kind: "rejected" });
      expect(fake.ledger.accepted).toBe(1);
    },
  );

  test("takes only its own credentials", async () => {
    const secrets = secretKeysOf(provider.config);
    const another = Object.fromEntries(
      Object.entries(fake.config).map(([key, value]) => [
        key,
        secrets.includes(key) ? value.replace("understudy-sandbox", "somebody-else") : value,
      ]),
    );
    const wrong = { ...another, ...strangers[name]?.() };
    expect(wrong).not.toEqual(fake.config);
    expect(await send(undefined, wrong)).toMatchObject(
      silentOnStrangers.has(name) ? { kind: "delivered" } : { kind: "unavailable", code: "unauthorized" },
    );
    expect(fake.ledger.accepted).toBe(0);
  });

  test("heals by itself when its time is over", async () => {
    await fake.faults.set(faultSchema.parse({ mode: "refuse", durationMs: 20 }));
    await expect.poll(() => fake.faults.current.mode, { interval: 5 }).toBe("healthy");
    await expect.poll(async () => (await send()).kind, { interval: 20 }).toBe("delivered");
  });
});

test("a share of requests meets the fault", async () => {
  const draws = [0.1, 0.9, 0.49, 0.5];
  const fake = await sandboxes.sendgrid.start({ random: () => draws.shift() ?? 1 });
  await fake.faults.set(faultSchema.parse({ mode: "503", share: 0.5 }));
  const statuses: number[] = [];
  for (let i = 0; i < 4; i += 1)
    statuses.push((await fetch(`${fake.url}/v3/mail/send`, { method: "POST" })).status);
  expect(statuses).toEqual([503, 401, 503, 401]);
  await fake.close();
});

test("faults that come on each other's heels are taken in order", async () => {
  const fake = await sandboxes.sendgrid.start();
  const refuse = faultSchema.parse({ mode: "refuse" });
  await Promise.all([
    fake.faults.set(refuse),
    fake.faults.heal(),
    fake.faults.set(refuse),
    fake.faults.heal(),
  ]);
  expect((await fetch(fake.url)).status).toBe(404);
  await Promise.all([fake.faults.set(refuse), fake.close()]);
});

test("a fake names the environment by which a worker uses it", async () => {
  const fake = await sandboxes.sendgrid.start();
  expect(environmentOf(fake)).toEqual({
    SENDGRID_BASE_URL: fake.url,
    SENDGRID_API_KEY: "SG.understudy-sandbox",
  });
  await fake.close();
});

test.each([
  [{ mode: "latency" }, "the mode latency needs latencyMs"],
  [{ mode: "refuse", share: 0.5 }, "leave share out"],
  [{ mode: "500", retryAfter: 3 }, "only the modes 429 and 503"],
  [{ mode: "sulk" }, "Invalid option"],
  [{ mode: "429", shar: 1 }, "Unrecognized key"],
])("the fault %j is refused with the reason", (fault, reason) => {
  expect(faultSchema.safeParse(fault).error?.message).toContain(reason);
});
