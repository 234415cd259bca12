import {
  type Adapter,
  type AnyProvider,
  type ChargeReceipt,
  chargeRequest,
  type Implementation,
  type LookUp,
  type Outcome,
  type paymentCharge,
  type paymentRefund,
} from "@understudy/core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { providers } from "../index.ts";
import { faultSchema, type RunningSandbox, sandboxes } from "../sandbox/index.ts";

type Charge = Implementation<unknown, typeof paymentCharge>;
type Refund = Implementation<unknown, typeof paymentRefund>;

const all: readonly AnyProvider[] = Object.values(providers);
const takers = all.filter(({ adapters }) => adapters[0]?.capability.name === "payment.charge");

/** What every provider that takes money promises, held against its fake. */
describe.each(takers.map(({ name }) => name as keyof typeof sandboxes))("%s", (name) => {
  const provider: AnyProvider = providers[name];
  const chargeImplementation = provider.adapters[0] as Charge;
  const refundImplementation = provider.adapters[1] as Refund;
  const never = new AbortController().signal;
  let fake: RunningSandbox;
  let charge: Adapter<typeof paymentCharge>;
  let refund: Adapter<typeof paymentRefund>;
  let lookUpCharge: LookUp<typeof paymentCharge>;
  let lookUpRefund: LookUp<typeof paymentRefund>;
  let began = 0;

  beforeEach(async () => {
    began = Date.now();
    fake = await sandboxes[name].start();
    const config: unknown = provider.config.parse(fake.config);
    charge = chargeImplementation.create(config);
    refund = refundImplementation.create(config);
    lookUpCharge = chargeImplementation.lookUp!.create(config);
    lookUpRefund = refundImplementation.lookUp!.create(config);
  });
  afterEach(() => fake.close());

  const requestWith = (token: string, amountMinor = 1050) =>
    chargeRequest.parse({
      amountMinor,
      currency: "EUR",
      paymentMethod: { [name]: token, another: "other" },
      customer: { [name]: "customer-1" },
      description: "Order 4711",
      metadata: { order: "4711" },
    });
  const callOf = (jobId: string, idempotencyKey = `${jobId}-g1`) => ({
    jobId,
    idempotencyKey,
    signal: never,
  });
  const questionOf = (jobId: string) => ({ ...callOf(jobId), sentAfter: began, endedAt: Date.now() });
  const refundOf = (chargeId: string, amountMinor = 1050) => ({
    provider: name,
    chargeId,
    amountMinor,
    currency: "EUR",
    reason: "came back",
  });
  const chargeIdOf = (outcome: Outcome<ChargeReceipt>): string => {
    if (outcome.kind !== "delivered" || outcome.receipt.chargeId === undefined)
      throw new Error(`no charge: ${outcome.kind}`);
    return outcome.receipt.chargeId;
  };

  test("takes charges first, and refunds second, under keys that it remembers", () => {
    expect(provider.adapters.map(({ capability }) => capability.name)).toEqual([
      "payment.charge",
      "payment.refund",
    ]);
    for (const { idempotency } of provider.adapters)
      expect(idempotency).toMatchObject({ horizonMs: expect.any(Number), maxKeyLength: expect.any(Number) });
  });

  test("accepts only what carries its own token, and gives back only what it took", () => {
    const request = requestWith("token-1");
    expect(chargeImplementation.accepts?.(request)).toBe(true);
    expect(chargeImplementation.accepts?.({ ...request, paymentMethod: { another: "t" } })).toBe(false);
    expect(refundImplementation.accepts?.(refundOf("c"))).toBe(true);
    expect(refundImplementation.accepts?.({ ...refundOf("c"), provider: "another" })).toBe(false);
  });

  test("captures once, however often it is asked under one key", async () => {
    const first = await charge(requestWith("token-1"), callOf("job-1"));
    expect(first).toMatchObject({
      kind: "delivered",
      final: true,
      externalId: expect.any(String),
      receipt: { status: "captured", chargeId: expect.any(String), amountMinor: 1050, currency: "EUR" },
    });
    const second = await charge(requestWith("token-1"), callOf("job-1"));
    expect(second).toMatchObject({ kind: "delivered", externalId: chargeIdOf(first) });
    expect(fake.ledger.effects).toMatchObject([{ jobId: "job-1", money: "charge", amountMinor: 1050 }]);
  });

  test("a key that was used for another charge is a conflict, and charges nothing", async () => {
    await charge(requestWith("token-1"), callOf("job-1"));
    expect(await charge(requestWith("token-1", 999), callOf("job-1"))).toMatchObject({
      kind: "ambiguous",
      code: "key_conflict",
    });
    expect(fake.ledger.accepted).toBe(1);
  });

  test("a second request while the first is under way does not charge a second time", async () => {
    const request = requestWith("token-slow");
    // The first call fetches what both need (such as an access token) before both ask at once.
    await charge(requestWith("token-declined"), callOf("job-0"));
    const outcomes = await Promise.all([charge(request, callOf("job-1")), charge(request, callOf("job-1"))]);
    expect(outcomes.map((outcome) => (outcome.kind === "delivered" ? "delivered" : outcome.code))).toEqual(
      expect.arrayContaining(["delivered", "in_progress"]),
    );
    expect(await charge(request, callOf("job-1"))).toMatchObject({ kind: "delivered" });
    expect(fake.ledger.accepted).toBe(1);
  });

  test("a decline is an answer, the same on a replay, and no effect", async () => {
    const declined = {
      kind: "delivered",
      final: true,
      receipt: { status: "declined", declineCode: expect.stringMatching(/\w/u), amountMinor: 1050 },
    };
    expect(await charge(requestWith("token-declined"), callOf("job-1"))).toMatchObject(declined);
    expect(await charge(requestWith("token-declined"), callOf("job-1"))).toMatchObject(declined);
    expect(fake.ledger.accepted).toBe(0);
  });

  test("a bank that wants to see its customer needs action", async () => {
    expect(await charge(requestWith("token-needs-action"), callOf("job-1"))).toMatchObject({
      kind: "delivered",
      receipt: { status: "needs_action", chargeId: expect.any(String) },
    });
    expect(fake.ledger.accepted).toBe(0);
  });

  test("a token that it does not know charges nothing, and whoever else has one may serve", async () => {
    expect(await charge(requestWith("token-missing"), callOf("job-1"))).toMatchObject({
      kind: "unavailable",
      code: "unknown_token",
    });
    expect(fake.ledger.accepted).toBe(0);
  });

  test("a hang is of unknown fate, and the same key settles it without a second charge", async () => {
    const request = requestWith("token-1");
    await fake.faults.set(faultSchema.parse({ mode: "accept-then-hang" }));
    const control = new AbortController();
    const hanging = charge(request, { ...callOf("job-1"), signal: control.signal });
    await expect.poll(() => fake.ledger.accepted, { interval: 5 }).toBe(1);
    control.abort(new DOMException("late", "TimeoutError"));
    expect(await hanging).toMatchObject({ kind: "ambiguous", code: "timeout" });
    await fake.faults.heal();
    expect(await charge(request, callOf("job-1"))).toMatchObject({ kind: "delivered" });
    expect(fake.ledger.accepted).toBe(1);
  });

  test("a 503 that tells us to come back says nothing of the charge", async () => {
    await charge(requestWith("token-1"), callOf("job-0"));
    await fake.faults.set(faultSchema.parse({ mode: "503", retryAfter: 7 }));
    expect(await charge(requestWith("token-1"), callOf("job-1"))).toMatchObject({
      kind: "ambiguous",
      code: "http_503",
      retryAfterMs: 7000,
    });
  });

  test("a look-up does not take another amount under the job's id for this charge", async () => {
    await charge(requestWith("token-1", 999), callOf("job-1"));
    expect(await lookUpCharge(requestWith("token-1"), questionOf("job-1"))).not.toMatchObject({
      kind: "delivered",
    });
  });

  test.each(["accept-then-reset", "accept-then-500"] as const)(
    "%s: the fate is unknown, and the same key settles it without a second charge",
    async (mode) => {
      const request = requestWith("token-1");
      await fake.faults.set(faultSchema.parse({ mode }));
      expect(await charge(request, callOf("job-1"))).toMatchObject({ kind: "ambiguous" });
      await fake.faults.heal();
      expect(await charge(request, callOf("job-1"))).toMatchObject({ kind: "delivered" });
      expect(fake.ledger.accepted).toBe(1);
    },
  );

  test("gives back a part and the rest, each once, and no more than that", async () => {
    const chargeId = chargeIdOf(await charge(requestWith("token-1"), callOf("job-1")));
    const part = await refund(refundOf(chargeId, 50), callOf("refund-1"));
    expect(part).toMatchObject({
      kind: "delivered",
      externalId: expect.any(String),
      receipt: { refundId: expect.any(String), amountMinor: 50, currency: "EUR" },
    });
    expect(await refund(refundOf(chargeId, 50), callOf("refund-1"))).toMatchObject({
      externalId: part.externalId,
    });
    const declined = { kind: "delivered", final: true, receipt: { status: "declined" } };
    expect(await refund(refundOf(chargeId, 1001), callOf("refund-2"))).toMatchObject(declined);
    expect(await refund(refundOf(chargeId, 1000), callOf("refund-3"))).toMatchObject({
      receipt: { amountMinor: 1000 },
    });
    expect(await refund(refundOf(chargeId, 1), callOf("refund-4"))).toMatchObject(declined);
    expect(fake.ledger.effects).toMatchObject([
      { money: "charge" },
      { jobId: "refund-1", money: "refund", amountMinor: 50 },
      { jobId: "refund-3", money: "refund", amountMinor: 1000 },
    ]);
  });

  test("a refund's key that was used for another amount is a conflict", async () => {
    const chargeId = chargeIdOf(await charge(requestWith("token-1"), callOf("job-1")));
    await refund(refundOf(chargeId, 50), callOf("refund-1"));
    expect(await refund(refundOf(chargeId, 51), callOf("refund-1"))).toMatchObject({
      kind: "ambiguous",
      code: "key_conflict",
    });
  });

  test("a charge that it does not know is the request's fault", async () => {
    expect(await refund(refundOf("no-such-charge"), callOf("refund-1"))).toMatchObject({
      kind: "rejected",
      code: "unknown_charge",
    });
  });

  test("a look-up finds what a lost answer left behind, by the job's id", async () => {
    await charge(requestWith("token-1"), callOf("job-2"));
    await fake.faults.set(faultSchema.parse({ mode: "accept-then-reset" }));
    await charge(requestWith("token-1"), callOf("job-1"));
    await fake.faults.heal();
    const found = await lookUpCharge(requestWith("token-1"), questionOf("job-1"));
    expect(found).toMatchObject({
      kind: "delivered",
      provider: name,
      receipt: { status: "captured", amountMinor: 1050, currency: "EUR" },
    });
    expect(await lookUpCharge(requestWith("token-1"), questionOf("job-3"))).toBe("not_found");
    expect(fake.ledger.accepted).toBe(2);
  });

  test("a look-up finds a refund, and no refund of another job", async () => {
    const chargeId = chargeIdOf(await charge(requestWith("token-1"), callOf("job-1")));
    await fake.faults.set(faultSchema.parse({ mode: "accept-then-reset" }));
    await refund(refundOf(chargeId, 50), callOf("refund-1"));
    await fake.faults.heal();
    const found = await lookUpRefund(refundOf(chargeId, 50), questionOf("refund-1"));
    expect(found).toMatchObject({
      kind: "delivered",
      receipt: { status: expect.stringMatching(/refunded|pending/u), amountMinor: 50, currency: "EUR" },
    });
    expect(await lookUpRefund(refundOf(chargeId, 60), questionOf("refund-2"))).toBe("not_found");
  });

  test.each(["500", "429", "html-200", "refuse"] as const)(
    "a look-up that meets %s is a failure, and no answer",
    async (mode) => {
      await charge(requestWith("token-1"), callOf("job-1"));
      await fake.faults.set(faultSchema.parse({ mode }));
      const found = await lookUpCharge(requestWith("token-1"), questionOf("job-1"));
      expect(found).not.toBe("not_found");
      expect(found).not.toMatchObject({ kind: "delivered" });
    },
  );
});
