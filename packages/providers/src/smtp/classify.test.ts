import { describe, expect, test } from "vitest";

import { failureOf, refusalOf } from "./classify.ts";

const never = new AbortController().signal;

/** What nodemailer throws for a reply at one stage of the dialogue. */
function reply(command: string, response: string) {
  return Object.assign(new Error("refused"), {
    code: command === "DATA" ? "EMESSAGE" : "EENVELOPE",
    command,
    response,
    responseCode: Number(response.slice(0, 3)),
    recipient: "ada@example.org",
  });
}

test.each([
  ["RCPT TO", "554 5.7.1 Service unavailable; Client host [1.2.3.4] blocked using zen.spamhaus.org"],
  ["RCPT TO", "554 5.7.1 <unknown[1.2.3.4]>: Client host rejected: Access denied"],
  ["RCPT TO", "550 5.7.1 Client host rejected"],
  ["RCPT TO", "554 5.7.1 <ada@example.org>: Relay access denied"],
  ["RCPT TO", "550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain"],
  ["RCPT TO", "550 5.7.1 Authentication required"],
  ["MAIL FROM", "550 5.7.1 Client was not authenticated"],
  ["DATA", "550-5.7.1 [1.2.3.4] Our system has detected that this IP\n550 5.7.1 sends unsolicited mail."],
])("%s: %s: the next mail of ours would be refused too", (stage, response) => {
  expect(failureOf(reply(stage, response), {}, never)).toMatchObject({
    kind: "unavailable",
    code: "forbidden",
  });
});

test.each([
  ["RCPT TO", "550 5.4.5 Daily user sending limit exceeded"],
  ["MAIL FROM", "550-5.4.5 Daily SMTP relay sending quota exceeded.\n550 5.4.5 See your provider"],
  ["RCPT TO", "550 Domain example.com has exceeded the max emails per hour (200/200 (100%)) allowed"],
  ["DATA", "550 5.1.90 Your message can't be sent because you've reached your daily limit for recipients"],
  ["DATA", "452 4.3.1 Hourly sending quota reached"],
])("%s: %s: we sent too much", (stage, response) => {
  expect(failureOf(reply(stage, response), {}, never)).toMatchObject({
    kind: "throttled",
    code: "rate_limited",
  });
});

test.each([
  ["RCPT TO", "550 5.7.1 Access denied"],
  ["RCPT TO", "554 5.7.1 <ada@example.org>: Recipient address rejected: blocked by local policy"],
  ["RCPT TO", "553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)"],
  ["DATA", "550 5.7.1 Message rejected for policy reasons"],
  ["DATA", "550-5.7.26 This mail is unauthenticated.\n550 5.7.26 Authenticate with SPF or DKIM."],
])("%s: %s: this relay's opinion, which another may not share", (stage, response) => {
  expect(failureOf(reply(stage, response), {}, never)).toMatchObject({
    kind: "unavailable",
    code: "policy_refused",
  });
});

test.each([
  "550 5.1.1 <host@client.example>: Recipient address rejected: User unknown in relay recipient table",
  "550 <ada@relay.example>: User unknown in relay recipient table",
  "550 5.7.1 The recipient does not accept mail from you",
  "554 5.7.1 <ada@example.org>: Recipient address rejected: Access denied",
  "552 5.2.2 Mailbox full, quota exceeded",
  "550 5.2.1 Mailbox disabled, its daily limit is reached",
  "550 No such user here",
])("RCPT TO: %s: the recipient's own", (response) => {
  expect(failureOf(reply("RCPT TO", response), {}, never)).toMatchObject({
    kind: "rejected",
    code: "recipient_refused",
  });
});

test("a sender whom a relay refuses only once it knows the recipient is the account's trouble", () => {
  for (const response of [
    "553 5.7.1 <shop@example.com>: Sender address rejected: not owned by user ada",
    "550 5.1.8 <shop@example.com>: Sender address rejected: Domain not found",
  ])
    expect(failureOf(reply("RCPT TO", response), {}, never)).toMatchObject({
      kind: "unavailable",
      code: "sender_unverified",
    });
});

test("what is said of the content stays with the message", () => {
  const refused = reply("DATA", "554 5.7.1 Looks like spam");
  expect(failureOf(refused, {}, never)).toMatchObject({ kind: "rejected", code: "smtp_554" });
});

test("no room for the message is its size, no room in a mailbox is the recipient's", () => {
  const response = "552 Requested mail action aborted: exceeded storage allocation";
  expect(failureOf(reply("DATA", response), {}, never)).toMatchObject({
    kind: "unavailable",
    code: "too_large",
  });
  expect(failureOf(reply("RCPT TO", response), {}, never)).toMatchObject({ kind: "rejected" });
});

describe("of several recipients", () => {
  const unknown = reply("RCPT TO", "550 5.1.1 No such user");
  const overLimit = reply("RCPT TO", "550 5.4.5 Daily user sending limit exceeded");

  test("one who was refused while others were taken is refused for good only by a word of their own", () => {
    expect(refusalOf(unknown)).toEqual({
      item: "ada@example.org",
      code: "smtp_550",
      permanent: true,
    });
    expect(refusalOf(overLimit)).toMatchObject({ permanent: false });
  });

  test("all refused, one of them for our sake, the message is worth another try", () => {
    const all = Object.assign(reply("RCPT TO", "550 5.1.1 No such user"), {
      rejectedErrors: [unknown, overLimit],
    });
    expect(failureOf(all, {}, never)).toMatchObject({ kind: "throttled", code: "rate_limited" });
  });
});
