import type { Envelope } from "@understudy/core";
import { until } from "@understudy/testkit";
import { expect, test } from "vitest";

import { whatCameOf } from "./after.ts";
import { createCatalogue } from "./catalogue.ts";
import {
  ada,
  backJob,
  delivered,
  failing,
  newStage,
  release,
  payJob,
  scripted,
  type Stage,
} from "./testing/stage.ts";

const keyed = { horizonMs: 86_400_000, maxKeyLength: 255 };
const receiptOf = (id: string) =>
  ({ ...delivered, kind: "delivered", receipt: { id }, final: true }) as const;

async function payAndBack(stage: Stage): Promise<readonly [string, string]> {
  const pay = await stage.client.enqueue(payJob, { n: 1 }, { idempotencyKey: "order-1" });
  const back = await stage.client.enqueue(backJob, { of: pay.id }, { idempotencyKey: "order-1-back" });
  return [pay.id, back.id];
}

async function waits(stage: Stage, id: string): Promise<void> {
  await until("it was looked at and waits", async () => {
    const { place, startsSettled } = await stage.placeOf(id);
    return place === "delayed" && startsSettled > 0 ? true : undefined;
  });
}

test("a job waits for the one it comes after, and then makes its request from that one's receipt", async () => {
  const stage = newStage();
  let answer: (() => void) | undefined;
  const a = scripted(
    "a",
    [
      async () => {
        await new Promise<void>((resolve) => {
          answer = resolve;
        });
        return receiptOf("four");
      },
      delivered,
    ],
    { idempotency: keyed },
  );
  stage.start([a]);
  const [pay, back] = await payAndBack(stage);
  await waits(stage, back);
  expect(a.calls).toHaveLength(1);
  answer?.();
  await stage.reaches(pay, "completed");
  await stage.promote(back);
  await stage.reaches(back, "completed");
  expect(a.calls[1]).toMatchObject({ jobId: back, request: { n: 4 } });
});

test("it is rejected when that one was declined", async () => {
  const stage = newStage();
  stage.start([scripted("a", [receiptOf("declined")], { idempotency: keyed })]);
  const pay = await stage.client.enqueue(payJob, { n: 1 }, { idempotencyKey: "order-1" });
  await stage.reaches(pay.id, "completed");
  const { id } = await stage.client.enqueue(backJob, { of: pay.id }, { idempotencyKey: "back" });
  expect(await stage.client.result(id)).toMatchObject({
    state: "dead",
    dead: { cause: "rejected", effect: "none", reason: `rejected: the job ${pay.id} was declined` },
  });
});

test("or ended without success", async () => {
  const stage = newStage();
  stage.start([scripted("a", [failing("rejected", "http_400")], { idempotency: keyed })]);
  const pay = await stage.client.enqueue(payJob, { n: 1 }, { idempotencyKey: "order-1" });
  await stage.reaches(pay.id, "dead");
  const { id } = await stage.client.enqueue(backJob, { of: pay.id }, { idempotencyKey: "back" });
  expect(await stage.client.result(id)).toMatchObject({
    state: "dead",
    dead: { cause: "rejected", reason: expect.stringContaining("ended without success") },
  });
});

test("it is held while the fate of that one is unknown, and goes on when a person has settled it", async () => {
  const stage = newStage();
  stage.start([scripted("a", [failing("ambiguous", "timeout")], { idempotency: "none" })]);
  const pay = await stage.client.enqueue(payJob, { n: 1 }, { idempotencyKey: "order-1" });
  await stage.reaches(pay.id, "dead");
  const { id } = await stage.client.enqueue(backJob, { of: pay.id }, { idempotencyKey: "back" });
  await waits(stage, id);
  await release(stage, pay.id, ada("it did not"));
  await stage.promote(id);
  expect(await stage.client.result(id)).toMatchObject({ state: "dead", dead: { cause: "rejected" } });
});

test("it waits a little for one that is not there, and a wrong id is no reason to wait for ever", async () => {
  const stage = newStage();
  let now = Date.now();
  stage.start([scripted("a", [delivered], { idempotency: keyed })], { now: () => now });
  const { id } = await stage.client.enqueue(backJob, { of: "pay-unheard-of" }, { idempotencyKey: "back" });
  await waits(stage, id);
  now += 61_000;
  await stage.promote(id);
  expect(await stage.client.result(id)).toMatchObject({
    state: "dead",
    dead: { cause: "rejected", reason: expect.stringContaining("there is no job pay-unheard-of") },
  });
});

test("it waits while that one cannot be looked at", async () => {
  const envelope = { payload: { of: "pay-1" }, lifeStartedAt: 0 } as unknown as Envelope;
  const find = () => Promise.reject(new Error("Connection is closed."));
  const nobody = createCatalogue([], [], []);
  expect(await whatCameOf(backJob, envelope, find, nobody, Date.now())).toMatchObject({
    at: "waits",
    verdict: { kind: "snooze" },
  });
});
