import { chargeRequest, refundRequest } from "@understudy/core";
import { misbehaving, type Misbehaving } from "@understudy/testkit";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { charge } from "./charge.ts";
import { stripe } from "./provider.ts";
import { refund } from "./refund.ts";

const call = {
  jobId: 'order-"7"',
  idempotencyKey: "k",
  signal: new AbortController().signal,
  sentAfter: 1_795_000_000_000,
  endedAt: 1_795_000_001_000,
};
const declined = {
  status: "requires_payment_method",
  last_payment_error: { code: "card_declined", decline_code: "lost_card" },
};
const intent = (id: string, more: object) => ({
  id,
  object: "payment_intent",
  amount: 1050,
  currency: "eur",
  ...more,
});

let server: Misbehaving;
beforeEach(async () => {
  server = await misbehaving();
});
afterEach(() => server[Symbol.asyncDispose]());

const says = (body: unknown, status = 200): void =>
  server.behave({ does: "answer", status, body: JSON.stringify(body) });
const config = () => stripe.config.parse({ ...stripe.sandboxConfig, baseUrl: server.url });

describe("of a charge", () => {
  const request = chargeRequest.parse({
    amountMinor: 1050,
    currency: "EUR",
    paymentMethod: { stripe: "pm_1" },
  });
  const lookUp = () => charge.lookUp!.create(config())(request, call);
  const found = (...data: readonly object[]): void =>
    says({ object: "search_result", data, has_more: false, next_page: null });

  test("it searches for the job's id and sends nothing that could have an effect", async () => {
    found();
    expect(await lookUp()).toBe("not_found");
    const [sent] = server.requests;
    expect(sent).toMatchObject({ method: "GET", body: "" });
    const { pathname, searchParams } = new URL(sent?.path ?? "", server.url);
    expect(pathname).toBe("/v1/payment_intents/search");
    expect(searchParams.get("query")).toBe(
      String.raw`created>=1794999700 AND metadata["job_id"]:"order-\"7\""`,
    );
  });

  test("its index lags, so not finding proves nothing for an hour", async () => {
    found();
    expect(await lookUp()).toBe("not_found");
    expect(charge.lookUp?.trustNotFoundAfterMs).toBe(3_600_000);
    found(intent("pi_1", { status: "succeeded" }));
    expect(await lookUp()).toMatchObject({ kind: "delivered", externalId: "pi_1" });
  });

  test.each([
    ["one that succeeded outweighs those that failed", [declined, { status: "succeeded" }], "captured"],
    ["only failed ones are a decline", [declined, { status: "canceled" }], "declined"],
    ["one still under way outweighs a decline", [declined, { status: "processing" }], "pending"],
    ["one that waits for its customer", [{ status: "requires_action" }], "needs_action"],
    ["moved money is sure beside what is not", [{ status: "dreaming" }, { status: "succeeded" }], "captured"],
  ])("%s", async (_, intents, status) => {
    found(...intents.map((more, index) => intent(`pi_${index}`, more)));
    expect(await lookUp()).toMatchObject({ kind: "delivered", receipt: { status } });
  });

  test("of an intent that nobody confirmed nothing can be told", async () => {
    found(intent("pi_1", { status: "requires_payment_method" }), intent("pi_2", declined));
    expect(await lookUp()).toBe("cannot_tell");
  });

  test("it pages through", async () => {
    says({ object: "search_result", data: [intent("pi_1", declined)], has_more: true, next_page: "p2" });
    const outcome = lookUp();
    await server.received();
    found(intent("pi_2", { status: "succeeded" }));
    expect(await outcome).toMatchObject({ externalId: "pi_2" });
    expect(server.requests.map(({ path }) => new URL(path, server.url).searchParams.get("page"))).toEqual([
      null,
      "p2",
    ]);
  });

  test("a refused question is a failure", async () => {
    says({ error: { type: "invalid_request_error", message: "no permission" } }, 403);
    expect(await lookUp()).toMatchObject({ kind: "unavailable", code: "forbidden", provider: "stripe" });
    says({ object: "search_result" });
    expect(await lookUp()).toMatchObject({ kind: "ambiguous", code: "malformed_answer" });
  });
});

describe("of a refund", () => {
  const request = refundRequest.parse({
    provider: "stripe",
    chargeId: "pi_1",
    amountMinor: 50,
    currency: "EUR",
  });
  const lookUp = () => refund.lookUp!.create(config())(request, call);
  const made = (id: string, jobId: string, status = "succeeded") => ({
    id,
    object: "refund",
    status,
    amount: 50,
    currency: "eur",
    metadata: { job_id: jobId },
  });
  const listed = (data: readonly object[], has_more = false): void =>
    says({ object: "list", data, has_more });

  test("it lists the charge's refunds and takes only those of the job, page by page", async () => {
    listed([made("re_1", "another")], true);
    const outcome = lookUp();
    await server.received();
    listed([made("re_2", call.jobId)]);
    expect(await outcome).toMatchObject({
      kind: "delivered",
      receipt: { status: "refunded", refundId: "re_2" },
    });
    expect(server.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      "GET /v1/refunds?payment_intent=pi_1&limit=100",
      "GET /v1/refunds?payment_intent=pi_1&limit=100&starting_after=re_1",
    ]);
  });

  test("one that failed is a decline, one of another job is none", async () => {
    listed([made("re_1", call.jobId, "failed")]);
    expect(await lookUp()).toMatchObject({ receipt: { status: "declined", declineCode: "failed" } });
    listed([made("re_1", "another")]);
    expect(await lookUp()).toBe("not_found");
  });
});
