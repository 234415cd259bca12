import { defineCapability, defineJob, type Envelope, ENVELOPE_VERSION } from "@understudy/core";
import { connectWorker, familyOf, keyOf, type Redis } from "@understudy/queue";
import { newSpace } from "@understudy/testkit";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import * as z from "zod";

import type { Operator, Who } from "./face.ts";
import { createOperator } from "./operator.ts";

const { redisUrl, namespace } = newSpace();
const family = familyOf("payments", namespace);
const pay = defineCapability({
  name: "test.pay",
  request: z.object({}),
  receipt: z.object({}),
  duplicates: "forbidden",
});
const payJob = defineJob({
  name: "pay",
  queue: "payments",
  payload: z.object({}),
  capability: pay,
  toRequest: () => ({}),
});
let redis: Redis;
beforeAll(() => {
  redis = connectWorker(redisUrl);
});
afterAll(() => redis.disconnect());

function ada(reason = "for a test", name = "ada"): Who {
  return { by: { name, role: "admin" }, reason };
}

function operator(jobs: readonly (typeof payJob)[] = [payJob]): Operator {
  const made = createOperator({ redis: redisUrl, namespace, jobs });
  onTestFinished(() => made.close());
  return made;
}

/** A dead letter as the store writes it, of a charge that may have happened at provider a. */
async function letter(id: string, effect: "none" | "maybe" = "maybe"): Promise<string> {
  const at = Date.now();
  const payload: Envelope = {
    v: ENVELOPE_VERSION,
    payload: {},
    fingerprint: "f",
    idempotencyKey: id,
    enqueuedAt: at,
    lifeStartedAt: at,
    generation: 1,
    attempt: 1,
    startsSettled: 1,
    trail:
      effect === "none" ? [] : [{ kind: "ambiguous", code: "timeout", provider: "a", at, durationMs: 1 }],
    bound: { provider: "a", firstSentAt: at },
    ended: { cause: "ambiguous", effect, at },
  };
  const deadLetter = {
    v: 1,
    queue: "payments",
    job: "pay",
    cause: "ambiguous",
    effect,
    reason: "ambiguous: timeout",
    attempts: 1,
    diedAt: at,
  };
  await redis.sadd(`${namespace}:families`, "payments");
  await redis.hset(keyOf(family, "dead", id), {
    name: "pay",
    data: JSON.stringify({ deadLetter, payload }),
    finishedOn: String(at),
    ats: "1",
    timestamp: String(at),
    opts: "{}",
  });
  await redis.zadd(keyOf(family, "dead", "failed"), String(at), id);
  return id;
}

describe("redrive", () => {
  test("is refused while the effect is unknown and must not happen twice", async () => {
    const id = await letter("pay-1");
    expect(await operator().redrive(id, ada())).toBe("held");
    expect(await redis.zscore(keyOf(family, "dead", "failed"), id)).not.toBeNull();
  });

  test("of a job that this program does not know is refused by its name", async () => {
    const id = await letter("pay-2", "none");
    expect(await operator([]).redrive(id, ada())).toBe("unknown_job");
    expect(await operator().redrive(id, ada())).toBe("redriven");
    expect(await operator().redrive(id, ada())).toBe("gone");
  });
});

test("several who release at once release once, and leave one name", async () => {
  const id = await letter("pay-3");
  const version = (await operator().letter(id))?.version ?? "";
  const answers = await Promise.all(
    ["ada", "grace", "edsger"].map((name) =>
      operator().release(id, ada("not in the books", name), { seen: version }),
    ),
  );
  expect(answers.toSorted()).toEqual(["changed", "changed", "released"]);
  const { payload } = JSON.parse((await redis.hget(keyOf(family, "dead", id), "data")) ?? "") as {
    readonly payload: Envelope;
  };
  expect(payload.trail.filter(({ provesNone }) => provesNone)).toHaveLength(1);
  expect(payload.bound).toBeUndefined();
});

test("a look-up puts the job back once, marked, with how it had ended and its binding", async () => {
  const id = await letter("pay-4");
  const answers = await Promise.all([operator().lookUp(id, ada()), operator().lookUp(id, ada())]);
  expect(answers.toSorted()).toEqual(["asked", "gone"]);
  const data = JSON.parse((await redis.hget(keyOf(family, "name", id), "data")) ?? "") as Envelope;
  expect(data).toMatchObject({
    lookUp: { cause: "ambiguous", effect: "maybe" },
    bound: { provider: "a" },
    attempt: 1,
    startsSettled: 0,
  });
  expect(data).not.toHaveProperty("ended");
});

test.each([
  [ada("x", ""), "a name of who acts"],
  [ada(" "), "a reason"],
  [ada("x".repeat(501)), "a reason"],
])("a release by %j is refused", async (who, words) => {
  await expect(operator().release("pay-5", who)).rejects.toMatchObject({
    code: "option_invalid",
    message: expect.stringContaining(words),
  });
});

test("what is not there is gone, and a Redis that is away is told within the deadline", async () => {
  const some = operator();
  expect(await some.lookUp("pay-nowhere", ada())).toBe("gone");
  expect(await some.release("pay-nowhere", ada("x"))).toBe("gone");
  const away = createOperator({ redis: "redis://127.0.0.1:1", jobs: [], deadlineMs: 200 });
  onTestFinished(() => away.close());
  await expect(away.lookUp("pay-1", ada())).rejects.toMatchObject({ code: "redis_unreachable" });
});
