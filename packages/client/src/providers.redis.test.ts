import { defineProvider, paymentCharge } from "@understudy/core";
import { chargeCard, refundCharge, syncAnalytics, welcomeEmail } from "@understudy/jobs";
import { connectWorker, familyOf, locate } from "@understudy/queue";
import { newSpace } from "@understudy/testkit";
import { describe, expect, onTestFinished, test } from "vitest";
import * as z from "zod";

import { type Client, type ClientOptions, createClient } from "./client.ts";

const { redisUrl, namespace } = newSpace();

function client(options: Partial<ClientOptions> = {}): Client {
  const made = createClient({ redis: redisUrl, namespace, ...options });
  onTestFinished(() => made.close());
  return made;
}

const events = {
  userId: "ada",
  events: [{ id: "e-1", name: "Order placed", at: "2026-11-24T05:00:00Z" }],
};
const routes = { "analytics.track": ["segment", "mixpanel"] };

describe("a job that goes to sinks", () => {
  test("becomes one for each of them, which may be told apart and asked about", async () => {
    const { id, status, sinks } = await client({ routes }).enqueue(syncAnalytics, events, {
      idempotencyKey: "k",
    });
    expect({ status, sinks }).toMatchObject({
      status: "created",
      sinks: [
        { sink: "segment", id: `${id}-segment`, status: "created" },
        { sink: "mixpanel", id: `${id}-mixpanel`, status: "created" },
      ],
    });
    const redis = connectWorker(redisUrl);
    onTestFinished(() => redis.disconnect());
    const { place, data } = await locate(redis, familyOf("analytics", namespace), `${id}-mixpanel`);
    expect([place, JSON.parse(data ?? "")]).toMatchObject(["waiting", { providers: ["mixpanel"] }]);
    expect(await client().status(`${id}-segment`)).toMatchObject({ state: "waiting", queue: "analytics" });
  });

  test("is absorbed where it is known, and made where a sink is new", async () => {
    const send = (names: readonly string[], payload = events) =>
      client().enqueue(syncAnalytics, payload, { idempotencyKey: "again", providers: names });
    expect(await send(["segment"])).toMatchObject({ status: "created" });
    expect(await send(["segment"])).toMatchObject({ status: "duplicate" });
    expect(await send(["segment", "ga4"])).toMatchObject({
      status: "created",
      sinks: [{ status: "duplicate" }, { status: "created" }],
    });
    expect(await send(["segment"], { ...events, userId: "eve" })).toMatchObject({ status: "conflict" });
  });

  test("one answer for each payload, and one key", async () => {
    const payloads = [events, { ...events, userId: "grace" }];
    const answers = await client({ routes }).enqueueMany(syncAnalytics, payloads, {
      idempotencyKey: (_, index) => `many-${index}`,
    });
    expect(answers).toMatchObject([
      { idempotencyKey: "many-0", sinks: [{ sink: "segment" }, { sink: "mixpanel" }] },
      { idempotencyKey: "many-1", sinks: [{ sink: "segment" }, { sink: "mixpanel" }] },
    ]);
  });

  test("is refused while nobody said which sinks there are", async () => {
    await expect(client().enqueue(syncAnalytics, events)).rejects.toMatchObject({
      code: "option_invalid",
      message: expect.stringContaining('routes: { "analytics.track": ["segment"] }'),
    });
    await expect(
      client({ routes }).schedule(syncAnalytics, events, { key: "k", cron: "* * * * *" }),
    ).rejects.toMatchObject({ code: "option_invalid" });
  });
});

describe("nobody being left who may serve a job is found at once", () => {
  const charge = { amountMinor: 1050, currency: "EUR", paymentMethod: { stripe: "pm_1" } };
  const key = { idempotencyKey: "order-1" };

  test("when its tokens are of other providers than the route's, or than those it allows", async () => {
    const wrong = { code: "payload_invalid", message: expect.stringContaining("is meant for stripe, but") };
    await expect(
      client({ routes: { "payment.charge": ["square"] } }).enqueue(chargeCard, charge, key),
    ).rejects.toMatchObject(wrong);
    await expect(
      client().enqueue(chargeCard, charge, { ...key, providers: ["square"] }),
    ).rejects.toMatchObject(wrong);
    expect(
      await client({ routes: { "payment.charge": ["square", "stripe"] } }).enqueue(chargeCard, charge, key),
    ).toMatchObject({ status: "created" });
  });

  test("when those who have a token do not accept it", async () => {
    const european = defineProvider({
      name: "stripe",
      config: z.object({}),
      sandboxConfig: {},
      adapters: [
        {
          capability: paymentCharge,
          idempotency: { horizonMs: 86_400_000, maxKeyLength: 255 },
          accepts: ({ currency }) => currency === "EUR",
          create: () => () => Promise.reject(new Error("nobody calls it here")),
        },
      ],
    });
    const dollars = { ...charge, currency: "USD" };
    const some = client({ routes: { "payment.charge": [european, "square"] } });
    await expect(some.enqueue(chargeCard, dollars, { idempotencyKey: "usd-1" })).rejects.toMatchObject({
      code: "payload_invalid",
      message: expect.stringContaining("not accepted by stripe: nobody is left"),
    });
    const other = { ...dollars, paymentMethod: { stripe: "pm_1", square: "ccof:1" } };
    expect(await some.enqueue(chargeCard, other, { idempotencyKey: "usd-2" })).toMatchObject({
      status: "created",
    });
    expect(await some.enqueue(chargeCard, charge, { idempotencyKey: "eur-1" })).toMatchObject({
      status: "created",
    });
  });

  test("when none that it allows is on the route", async () => {
    const mail = { to: "ada@example.com", name: "Ada" };
    await expect(
      client({ routes: { "email.send": ["smtp"] } }).enqueue(welcomeEmail, mail, { providers: ["ses"] }),
    ).rejects.toMatchObject({ code: "option_invalid", message: expect.stringContaining("nobody is left") });
  });

  test("but not of a refund whose charge is not known yet", async () => {
    const of = `charge-card-${"0".repeat(20)}`;
    const some = client({ routes: { "payment.refund": ["stripe"] } });
    expect(await some.enqueue(refundCharge, { charge: of }, { idempotencyKey: "r-1" })).toMatchObject({
      status: "created",
    });
    const direct = { provider: "square", chargeId: "p-1", amountMinor: 5, currency: "JPY" };
    await expect(some.enqueue(refundCharge, direct, { idempotencyKey: "r-2" })).rejects.toMatchObject({
      code: "payload_invalid",
    });
  });
});

test("a charge's key is no card number", async () => {
  const charge = { amountMinor: 1, currency: "EUR", paymentMethod: { stripe: "pm_1" } };
  const error: Error = await client()
    .enqueue(chargeCard, charge, { idempotencyKey: "4242424242424242" })
    .then(
      () => new Error("it was taken"),
      (thrown: unknown) => thrown as Error,
    );
  expect(error).toMatchObject({ code: "option_invalid" });
  expect(error.message).not.toContain("4242");
});
