import { chargeRequest, refundRequest } from "@understudy/core";
import { misbehaving, type Misbehaving } from "@understudy/testkit";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { charge } from "./charge.ts";
import { square } from "./provider.ts";
import { refund } from "./refund.ts";

const sentAfter = Date.parse("2026-11-24T05:05:00Z");
const call = {
  jobId: "order-7",
  idempotencyKey: "k",
  signal: new AbortController().signal,
  sentAfter,
  endedAt: sentAfter,
};

let server: Misbehaving;
beforeEach(async () => {
  server = await misbehaving();
});
afterEach(() => server[Symbol.asyncDispose]());

const says = (body: unknown, status = 200): void =>
  server.behave({
    does: "answer",
    status,
    headers: { "square-version": "2026-09-16" },
    body: JSON.stringify(body),
  });
const config = () => square.config.parse({ ...square.sandboxConfig, locationId: "L1", baseUrl: server.url });
const asked = () => server.requests.map(({ method, path }) => `${method} ${path}`);

describe("of a charge", () => {
  const request = chargeRequest.parse({
    amountMinor: 1050,
    currency: "EUR",
    paymentMethod: { square: "ccof:1" },
  });
  const lookUp = () => charge.lookUp!.create(config())(request, call);
  const payment = (id: string, status: string, reference_id = "order-7") => ({
    id,
    status,
    reference_id,
    amount_money: { amount: 1050, currency: "EUR" },
  });

  test("it lists what was paid since the first call, some minutes before it, and reads every page", async () => {
    says({ payments: [payment("p1", "FAILED"), payment("p2", "COMPLETED", "another")], cursor: "c2" });
    const outcome = lookUp();
    await server.received();
    says({ payments: [payment("p3", "COMPLETED")], cursor: "" });
    expect(await outcome).toMatchObject({ kind: "delivered", externalId: "p3", provider: "square" });
    const list =
      "GET /v2/payments?begin_time=2026-11-24T05%3A00%3A00.000Z&sort_order=ASC&total=1050&location_id=L1&limit=100";
    expect(asked()).toEqual([list, `${list}&cursor=c2`]);
  });

  test("the list lags, so an empty one proves nothing for ten minutes", async () => {
    says({});
    expect(await lookUp()).toBe("not_found");
    expect(charge.lookUp?.trustNotFoundAfterMs).toBe(600_000);
  });

  test("that there is nothing is Square's own word, and nobody else's", async () => {
    server.behave({ does: "answer", status: 200, body: "{}" });
    expect(await lookUp()).toMatchObject({ kind: "ambiguous", code: "malformed_answer" });
    says({ message: "Please sign in", ok: true });
    expect(await lookUp()).toMatchObject({ kind: "ambiguous", code: "malformed_answer" });
  });

  test("a payment of the job's id and another amount is nobody's proof of anything", async () => {
    says({ payments: [{ ...payment("p1", "COMPLETED"), amount_money: { amount: 9900, currency: "EUR" } }] });
    expect(await lookUp()).toBe("cannot_tell");
  });

  test.each([
    ["FAILED", { kind: "delivered", receipt: { status: "declined" } }],
    ["APPROVED", { kind: "delivered", final: false, receipt: { status: "pending" } }],
  ])("one that is %s is an answer", async (status, found) => {
    says({ payments: [payment("p1", status)] });
    expect(await lookUp()).toMatchObject(found);
  });

  test("of a status that is not known nothing can be told", async () => {
    says({ payments: [payment("p1", "DREAMING")] });
    expect(await lookUp()).toBe("cannot_tell");
  });

  test("a refused question is a failure, and so is an answer with errors", async () => {
    const errors = [{ category: "AUTHENTICATION_ERROR", code: "INSUFFICIENT_SCOPES" }];
    says({ errors }, 403);
    expect(await lookUp()).toMatchObject({ kind: "unavailable", code: "forbidden" });
    says({ errors });
    expect(await lookUp()).toMatchObject({ kind: "ambiguous", code: "malformed_answer" });
  });
});

describe("of a refund", () => {
  const request = refundRequest.parse({
    provider: "square",
    chargeId: "p1",
    amountMinor: 50,
    currency: "EUR",
  });
  const lookUp = () => refund.lookUp!.create(config())(request, call);
  const made = (id: string, payment_id: string, reason?: string) => ({
    id,
    status: "COMPLETED",
    payment_id,
    reason,
    amount_money: { amount: 50, currency: "EUR" },
  });

  test("only one of the charge that ends with the job's mark is its own", async () => {
    const others = [
      made("r1", "p2", "[job order-7]"),
      made("r2", "p1", "[job order-78]"),
      made("r3", "p1", "[job order-7] was not it"),
      made("r4", "p1"),
    ];
    says({ refunds: others });
    expect(await lookUp()).toBe("not_found");
    says({ refunds: [...others, made("r5", "p1", "came back [job order-7]")] });
    expect(await lookUp()).toMatchObject({ externalId: "r5", receipt: { status: "refunded" } });
    expect(asked()[0]).toBe(
      "GET /v2/refunds?begin_time=2026-11-24T05%3A00%3A00.000Z&sort_order=ASC&limit=100",
    );
  });
});
