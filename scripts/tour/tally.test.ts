import { expect, test } from "vitest";

import type { Line } from "./process.ts";
import { createTally, type Tally } from "./tally.ts";

const route = ["sendgrid", "mailgun"];

function tallyOf(jobId: string): Tally {
  const tally = createTally(route);
  tally.expect(jobId);
  return tally;
}

function circuit(provider: string, at: string): Line {
  return { event: "circuit", provider, at };
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

test("a circuit is as the worst worker sees it, and is told when it first opens and when all have closed it", () => {
  const tally = tallyOf("a");
  const state = (): string | undefined => tally.providers.get("sendgrid")?.circuit;
  expect(tally.take(1, circuit("sendgrid", "open"))?.text).toMatch(/^circuit of sendgrid opens/u);
  expect(tally.take(2, circuit("sendgrid", "open"))).toBeUndefined();
  expect(tally.take(1, circuit("sendgrid", "closed"))).toBeUndefined();
  expect(state()).toBe("open");
  expect(tally.take(2, circuit("sendgrid", "half_open"))).toBeUndefined();
  expect(state()).toBe("half open");
  expect(tally.take(2, circuit("sendgrid", "open"))).toBeUndefined();
  expect(tally.take(2, circuit("sendgrid", "closed"))?.text).toMatch(/^circuit of sendgrid closes/u);
  expect(tally.providers.get("mailgun")?.circuit).toBe("closed");
});

test("a worker that is gone takes its circuits with it", () => {
  const tally = tallyOf("a");
  tally.take(1, circuit("sendgrid", "open"));
  tally.forget(1);
  expect(tally.providers.get("sendgrid")?.circuit).toBe("closed");
});
