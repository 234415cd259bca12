import { join } from "node:path";

import { chargeRequest } from "@understudy/core";
import { type CapturedRequest, misbehaving } from "@understudy/testkit";
import { afterEach, beforeEach, expect, test } from "vitest";

import type { RunningSandbox } from "../sandbox/sandbox.ts";
import { publishedApi } from "../testing/published-api.ts";
import { charge } from "./charge.ts";
import { paypal } from "./provider.ts";
import { refund } from "./refund.ts";
import { paypalSandbox } from "./sandbox.ts";
import { prelude } from "./testing/prelude.ts";

// PayPal's own description of its API, cut to what we call.
const api = await publishedApi(join(import.meta.dirname, "testing"));

const requestWith = (token: string) =>
  chargeRequest.parse({
    amountMinor: 100_000_000,
    currency: "EUR",
    paymentMethod: { paypal: token },
    description: "d".repeat(127),
  });
const call = {
  jobId: `charge-card-${"7".repeat(120)}`,
  idempotencyKey: "k".repeat(108),
  signal: new AbortController().signal,
  sentAfter: Date.now() - 1000,
  endedAt: Date.now(),
};
const refundOf = (chargeId: string) => ({
  provider: "paypal",
  chargeId,
  amountMinor: 50,
  currency: "EUR",
  reason: "r".repeat(127),
});

/** What is sent to a PayPal that answers nothing of use. */
async function sentBy(
  ask: (settings: ReturnType<typeof paypal.config.parse>) => Promise<unknown>,
): Promise<CapturedRequest> {
  await using server = await misbehaving({ does: "answer", status: 500 }, prelude);
  await ask(paypal.config.parse({ ...paypal.sandboxConfig, baseUrl: server.url }));
  const [sent] = server.requests;
  if (sent === undefined) throw new Error("nothing was sent");
  return sent;
}

let fake: RunningSandbox;
let token = "";
beforeEach(async () => {
  fake = await paypalSandbox.start();
  const { clientId, clientSecret } = paypal.sandboxConfig;
  const basic = Buffer.from(`${clientId}:${clientSecret}`).toString("base64");
  const answer = await fetch(`${fake.url}/v1/oauth2/token`, {
    method: "POST",
    headers: { authorization: `Basic ${basic}` },
    body: new URLSearchParams({ grant_type: "client_credentials" }),
  });
  token = ((await answer.json()) as { access_token: string }).access_token;
});
afterEach(() => fake.close());

interface OrderAnswer {
  readonly purchase_units: readonly { payments: { captures: readonly { id: string }[] } }[];
}

async function answerTo({ method, path, headers, body }: CapturedRequest) {
  const answer = await fetch(`${fake.url}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(method === "POST" && { "paypal-request-id": String(headers["paypal-request-id"]) }),
    },
    ...(method === "POST" && { body }),
  });
  return { status: answer.status, body: (await answer.json()) as OrderAnswer };
}

test("what is asked is as PayPal describes it, the longest values too, and so is what the fake answers", async () => {
  const sent = await sentBy((settings) => charge.create(settings)(requestWith("8kk8451t"), call));
  expect(api.problemsOf(sent)).toEqual([]);
  const taken = await answerTo(sent);
  expect(taken.status).toBe(201);
  expect(api.problemsOfAnswer(sent, taken.status, taken.body)).toEqual([]);

  const captureId = taken.body.purchase_units[0]?.payments.captures[0]?.id ?? "";
  const returned = await sentBy((settings) => refund.create(settings)(refundOf(captureId), call));
  expect(api.problemsOf(returned)).toEqual([]);
  const given = await answerTo(returned);
  expect(given.status).toBe(201);
  expect(api.problemsOfAnswer(returned, given.status, given.body)).toEqual([]);

  for (const question of [
    await sentBy((settings) => charge.lookUp!.create(settings)(requestWith("8kk8451t"), call)),
    await sentBy((settings) => refund.lookUp!.create(settings)(refundOf(captureId), call)),
  ]) {
    expect(api.problemsOf(question)).toEqual([]);
    expect((await answerTo(question)).status).toBe(200);
  }
});

test.each(["card:4xj9", "B-5YM51602S4361534M"])(
  "a charge of %s is as PayPal describes it",
  async (source) => {
    const sent = await sentBy((settings) => charge.create(settings)(requestWith(source), call));
    expect(api.problemsOf(sent)).toEqual([]);
  },
);

test("an order that needs its payer is one that PayPal describes", async () => {
  const sent = await sentBy((settings) => charge.create(settings)(requestWith("needs-action"), call));
  const asked = await answerTo(sent);
  expect(api.problemsOfAnswer(sent, asked.status, asked.body)).toEqual([]);
});

test("the description does judge", async () => {
  const long = { ...call, idempotencyKey: "k".repeat(109) };
  const sent = await sentBy((settings) => charge.create(settings)(requestWith("8kk8451t"), long));
  expect(api.problemsOf(sent)).toEqual([expect.stringContaining("108")]);
  expect(api.problemsOf({ ...sent, body: JSON.stringify({ intent: "STEAL" }) })).not.toEqual([]);
});
