import { stripVTControlCharacters } from "node:util";

import { expect, test } from "vitest";

import { createScreen, summaryLines } from "./screen.ts";
import { createTally, type Tally } from "./tally.ts";

function fakeOut(
  isTTY: boolean,
  columns = 80,
): { out: Parameters<typeof createScreen>[0]; writes: string[] } {
  const writes: string[] = [];
  const write = (text: string | Uint8Array): boolean => writes.push(String(text)) > 0;
  return { out: { isTTY, columns, write }, writes };
}

function busy(): Tally {
  const tally = createTally(["sendgrid", "mailgun"]);
  for (const id of ["a", "b", "c", "d"]) tally.expect(id);
  tally.take(1, { event: "call", jobId: "a", provider: "mailgun", kind: "delivered" });
  tally.take(1, { event: "failover", jobId: "a", to: "mailgun" });
  tally.take(1, { event: "settled", jobId: "a", verdict: "complete" });
  tally.take(1, { event: "settled", jobId: "b", verdict: "dead_letter" });
  tally.take(1, { event: "circuit_half_open", provider: "sendgrid", scope: "fleet", share: 0.05 });
  return tally;
}

test("without a terminal, progress is a plain line, written only when something changed", () => {
  const { out, writes } = fakeOut(false);
  const screen = createScreen(out);
  const tally = busy();
  screen.progress(tally, 10, "keys");
  screen.progress(tally, 10, "keys");
  screen.say("hello", "bad");
  expect(writes).toEqual([
    "  4/10 mails, 0 charges and events | delivered by sendgrid 0, mailgun 1 (1 stood in) | waiting 2 | dead 1\n",
    "hello\n",
  ]);
});

test("in a terminal, a panel is redrawn in place with one write a frame, and what is said stays above it", () => {
  const { out, writes } = fakeOut(true);
  const screen = createScreen(out);
  screen.progress(busy(), 8, "k kill");
  screen.say("hello");
  screen.settle();
  screen.say("bye");
  const [first = "", second = "", last] = writes;
  expect(stripVTControlCharacters(first).split("\n")).toEqual([
    "",
    "  ███████████████░░░░░░░░░░░░░░░  4/8 mails, 0 charges and events",
    "",
    "  provider    delivered   stood in     failed   circuit",
    "  sendgrid            0          0          0   5 %",
    "  mailgun             1          1          0   closed",
    "",
    "  delivered 1   waiting 2   dead letters 1",
    "",
    "  k kill",
    "",
  ]);
  expect(second).toBe(`\u001B[10A\u001B[0Jhello\n${first}`);
  expect(last).toBe("bye\n");
});

test("in a narrow terminal no line of the panel wraps", () => {
  const { out, writes } = fakeOut(true, 40);
  createScreen(out).progress(busy(), 8, "keys: k kill sendgrid   h make it hang   r restore   q quit");
  for (const line of writes.join("").split("\n"))
    expect(stripVTControlCharacters(line).length).toBeLessThan(40);
});

test("the summary is a table that fits into 80 columns", () => {
  const lines = summaryLines({
    jobs: {
      "welcome-email": { enqueued: 240, delivered: 234, deadLettered: 6, failedOver: 91 },
      "password-reset": { enqueued: 60, delivered: 60, deadLettered: 0, failedOver: 23 },
    },
    providers: {
      sendgrid: { accepted: 160 },
      mailgun: { accepted: 137 },
      smtp: { accepted: 0 },
      stripe: { accepted: 29 },
      segment: { accepted: 30 },
    },
    duplicates: 3,
    unlabelledDuplicates: 0,
    lost: 0,
    stillQueued: 0,
    seconds: 30,
  });
  expect(lines).toEqual([
    "",
    "  job                   enqueued     delivered  dead letters   failed over",
    "  welcome-email              240           234             6            91",
    "  password-reset              60            60             0            23",
    "  all                        300           294             6           114",
    "",
    "  arrived at the providers   sendgrid 160, mailgun 137, smtp 0, stripe 29,",
    "                             segment 30",
    "  happened twice             3, not marked as possible beforehand: 0",
    "  still queued               0",
    "  lost                       0",
    "  took                       30 s",
    "",
  ]);
});
