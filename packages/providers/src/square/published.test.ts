import { join } from "node:path";

import { chargeRequest } from "@understudy/core";
import { type CapturedRequest, misbehaving } from "@understudy/testkit";
import { afterEach, beforeEach, expect, test } from "vitest";

import type { RunningSandbox } from "../sandbox/sandbox.ts";
import { publishedApi } from "../testing/published-api.ts";
import { charge } from "./charge.ts";
import { square } from "./provider.ts";
import { refund } from "./refund.ts";
import { squareSandbox } from "./sandbox.ts";

// Square's own description of its API, cut to what we call.
const api = await publishedApi(join(import.meta.dirname, "testing"));

const config = { ...square.sandboxConfig, locationId: "L1" };
const request = chargeRequest.parse({
  amountMinor: 1050,
  currency: "EUR",
  paymentMethod: { square: "ccof:1" },
  customer: { square: "C1" },
  description: "d".repeat(127),
});
const call = {
  jobId: `charge-card-${"7".repeat(64)}`,
  idempotencyKey: "k".repeat(45),
  signal: new AbortController().signal,
  sentAfter: Date.now(),
  endedAt: Date.now(),
};
const refundOf = (chargeId: string) => ({
  provider: "square",
  chargeId,
  amountMinor: 50,
  currency: "EUR",
  reason: "r".repeat(127),
});

/** What is sent to a vendor that answers nothing of use. */
async function sentBy(
  ask: (settings: ReturnType<typeof square.config.parse>) => Promise<unknown>,
): Promise<CapturedRequest> {
  await using server = await misbehaving({ does: "answer", status: 500 });
  await ask(square.config.parse({ ...config, baseUrl: server.url }));
  const [sent] = server.requests;
  if (sent === undefined) throw new Error("nothing was sent");
  return sent;
}

let fake: RunningSandbox;
beforeEach(async () => {
  fake = await squareSandbox.start();
});
afterEach(() => fake.close());

async function answerTo({ method, path, headers, body }: CapturedRequest) {
  const answer = await fetch(`${fake.url}${path}`, {
    method,
    headers: {
      authorization: String(headers.authorization),
      "square-version": String(headers["square-version"]),
    },
    ...(method === "POST" && { body }),
  });
  return { status: answer.status, body: (await answer.json()) as { payment: { id: string } } };
}

test("what is asked is as Square describes it, the longest values too, and so is what the fake answers", async () => {
  const sent = await sentBy((settings) => charge.create(settings)(request, call));
  expect(api.problemsOf(sent)).toEqual([]);
  const taken = await answerTo(sent);
  expect(api.problemsOfAnswer(sent, taken.status, taken.body)).toEqual([]);

  const returned = await sentBy((settings) => refund.create(settings)(refundOf(taken.body.payment.id), call));
  expect(api.problemsOf(returned)).toEqual([]);
  const given = await answerTo(returned);
  expect(api.problemsOfAnswer(returned, given.status, given.body)).toEqual([]);

  for (const question of [
    await sentBy((settings) => charge.lookUp!.create(settings)(request, call)),
    await sentBy((settings) => refund.lookUp!.create(settings)(refundOf("p"), call)),
  ]) {
    expect(api.problemsOf(question)).toEqual([]);
    const found = await answerTo(question);
    expect(found.status).toBe(200);
    expect(api.problemsOfAnswer(question, found.status, found.body)).toEqual([]);
  }
});

test("the description does judge", async () => {
  const sent = await sentBy((settings) =>
    charge.create(settings)(request, { ...call, idempotencyKey: "k".repeat(46) }),
  );
  expect(api.problemsOf(sent)).toEqual([expect.stringContaining("45")]);
});
