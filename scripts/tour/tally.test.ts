import { expect, test } from "vitest";

import type { Line } from "./process.ts";
import { createTally, type Tally } from "./tally.ts";

const route = ["sendgrid", "mailgun"];

function tallyOf(jobId: string): Tally {
  const tally = createTally(route);
  tally.expect(jobId);
  return tally;
}

function circuit(event: string, more: Line = {}): Line {
  return {
    event,
    provider: "sendgrid",
    capability: "email.send",
    scope: "fleet",
    reason: "failure_rate",
    ...more,
  };
}

test("calls, failovers and verdicts of expected mails are added up by provider", () => {
  const tally = tallyOf("a");
  tally.take(1, { event: "call", jobId: "a", provider: "sendgrid", kind: "unavailable" });
  tally.take(1, { event: "call", jobId: "a", provider: "mailgun", kind: "delivered" });
  tally.take(1, { event: "failover", jobId: "a", to: "mailgun" });
  tally.take(1, { event: "settled", jobId: "a", verdict: "complete" });
  expect(tally).toMatchObject({ enqueued: 1, delivered: 1, dead: 0 });
  expect(Object.fromEntries(tally.providers)).toEqual({
    sendgrid: { delivered: 0, failedOver: 0, failed: 1, circuit: "closed" },
    mailgun: { delivered: 1, failedOver: 1, failed: 0, circuit: "closed" },
  });
});

test("mail left over from an earlier tour does not count", () => {
  const tally = tallyOf("a");
  tally.take(1, { event: "call", jobId: "old", provider: "sendgrid", kind: "delivered" });
  tally.take(1, { event: "settled", jobId: "old", verdict: "complete" });
  expect(tally.take(1, { event: "settled", jobId: "old", verdict: "dead_letter" })).toBeUndefined();
  expect(tally).toMatchObject({ delivered: 0, dead: 0 });
});

test("what a gate withheld is no failure of the provider", () => {
  const tally = tallyOf("a");
  tally.take(1, { event: "call", jobId: "a", provider: "sendgrid", kind: "withheld" });
  expect(tally.providers.get("sendgrid")).toMatchObject({ failed: 0 });
});

test("a dead letter is told with its cause; a retry and lines without meaning are not", () => {
  const tally = tallyOf("a");
  expect(tally.take(1, { event: "settled", jobId: "a", verdict: "retry" })).toBeUndefined();
  expect(tally.take(1, { level: 30, msg: "worker started" })).toBeUndefined();
  expect(tally.take(1, { event: "call", jobId: "a", provider: "nobody", kind: "delivered" })).toBeUndefined();
  const dead = { event: "settled", jobId: "a", verdict: "dead_letter" };
  expect(tally.take(1, { ...dead, cause: "rejected" })?.text).toBe("dead letter: a (bad address)");
  expect(tally.take(1, { ...dead, cause: "exhausted" })?.text).toBe("dead letter: a (exhausted)");
});

test("what the workers agree on is told step by step, and shown as it is", () => {
  const tally = tallyOf("a");
  const shown = (): string | undefined => tally.providers.get("sendgrid")?.circuit;
  const told = (event: string, share?: number): string | undefined =>
    tally.take(1, circuit(event, share === undefined ? {} : { share }))?.text;
  expect(told("circuit_opened")).toBe("circuit of sendgrid opens for all workers (failure_rate)");
  expect(shown()).toBe("open");
  expect(told("circuit_half_open", 0)).toMatch(/^one worker sends sendgrid a probe/u);
  expect(shown()).toBe("probe");
  expect(told("circuit_half_open", 0.05)).toBe("sendgrid is back: 5 % of its traffic goes there");
  expect(shown()).toBe("5 %");
  expect(told("circuit_half_open", 2)).toBeUndefined();
  expect(shown()).toBe("200 %");
  expect(told("circuit_closed")).toBe("circuit of sendgrid closes: it serves again");
  expect(shown()).toBe("closed");
  expect(tally.providers.get("mailgun")?.circuit).toBe("closed");
});

test("a worker that finds a provider failing is told of, and takes that with it when it is gone", () => {
  const tally = tallyOf("a");
  const own = { scope: "worker" } as const;
  expect(tally.take(2, circuit("circuit_opened", own))?.text).toMatch(/^worker 2 finds sendgrid failing/u);
  expect(tally.take(2, circuit("circuit_half_open", { ...own, share: 0 }))).toBeUndefined();
  expect(tally.providers.get("sendgrid")?.circuit).toBe("probe");
  tally.forget(2);
  expect(tally.providers.get("sendgrid")?.circuit).toBe("closed");
});

test("of two capabilities the worse one is shown", () => {
  const tally = tallyOf("a");
  tally.take(1, circuit("circuit_half_open", { share: 0.25 }));
  tally.take(1, circuit("circuit_opened", { capability: "email.check" }));
  expect(tally.providers.get("sendgrid")?.circuit).toBe("open");
});
