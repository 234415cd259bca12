import { emailRequest, problemWith, requestOf } from "@understudy/core";
import { describe, expect, test } from "vitest";
import * as z from "zod";

import {
  chargeCard,
  jobs,
  passwordReset,
  refundCharge,
  sendEmail,
  syncAnalytics,
  welcomeEmail,
} from "./index.ts";

const hour = 3_600_000;

test("every job has a name of its own", () => {
  expect(new Set(jobs.map(({ name }) => name)).size).toBe(jobs.length);
});

test.each(jobs)("$name is checked by compiled schemas", (job) => {
  for (const schema of [job.payload, job.capability.request] as const)
    expect(z.compile(schema as z.ZodType, { strict: true })).not.toBe(schema);
});

test("the defaults are those that the documentation states", () => {
  expect(sendEmail).toMatchObject({
    retry: { attempts: 8, baseMs: 1000, maxMs: 300_000 },
    maxAgeMs: 24 * hour,
    keepCompletedMs: 24 * hour,
  });
});

describe("welcome-email", () => {
  test("makes a valid request, and escapes what people call themselves", () => {
    const answer = requestOf(welcomeEmail, { to: "ada@example.com", name: `<script>"Ada"</script>` });
    if (!answer.ok) throw new Error(answer.problem);
    expect(emailRequest.safeParse(answer.request).success).toBe(true);
    expect(answer.request.html).toContain("&lt;script&gt;&quot;Ada&quot;&lt;/script&gt;");
    expect(answer.request.text).toContain(`<script>"Ada"</script>`);
  });
  test("refuses a name that would smuggle a header into the subject", () => {
    expect(
      requestOf(welcomeEmail, { to: "ada@example.com", name: "Ada\r\nBcc: eve@example.com" }),
    ).toMatchObject({ ok: false });
  });
});

describe("password-reset", () => {
  test("is worthless after an hour", () => {
    expect(passwordReset.maxAgeMs).toBe(hour);
  });
  test("carries https links only, escaped in HTML", () => {
    const to = "ada@example.com";
    expect(requestOf(passwordReset, { to, resetUrl: "http://example.com/r" })).toMatchObject({ ok: false });
    const answer = requestOf(passwordReset, { to, resetUrl: `https://example.com/r?a=1&b="x"` });
    if (!answer.ok) throw new Error(answer.problem);
    expect(answer.request.html).not.toContain(`"x"`);
  });
  test("shows neither the link nor the address in logs", () => {
    expect(passwordReset.sensitive).toEqual(["to", "resetUrl"]);
  });
});

describe("refund-charge", () => {
  const captured = { status: "captured", chargeId: "pi_1", amountMinor: 1050, currency: "EUR" } as const;
  const charge = `charge-card-${"0".repeat(20)}`;
  const requestFor = (payload: object, receipt: object) =>
    requestOf(refundCharge, payload, { provider: "stripe", receipt });

  test("gives back all of a charge, or a part of it, at the provider that took it", () => {
    const whole = { provider: "stripe", chargeId: "pi_1", amountMinor: 1050, currency: "EUR" };
    expect(requestFor({ charge }, captured)).toEqual({ ok: true, request: whole });
    const part = { charge, amountMinor: 50, reason: "scratched" };
    expect(requestFor(part, captured)).toEqual({
      ok: true,
      request: { ...whole, amountMinor: 50, reason: "scratched" },
    });
  });
  test("takes a charge whose receipt is gone by what stood in it", () => {
    const payload = { provider: "square", chargeId: "p-1", amountMinor: 5, currency: "JPY" };
    expect(refundCharge.after?.job(payload)).toBeUndefined();
    expect(requestOf(refundCharge, payload)).toEqual({ ok: true, request: payload });
  });
  test.each([
    [{ status: "declined", declineCode: "lost_card", amountMinor: 1050, currency: "EUR" }, "was declined"],
    [{ ...captured, amountMinor: 5 }, "took less"],
  ])("is pointless after %j", (receipt, words) => {
    const payload = refundCharge.payload.parse({ charge, amountMinor: 1050 });
    expect(refundCharge.after?.objection(payload, { provider: "stripe", receipt })).toContain(words);
  });
  test("leaves it to the provider whether what was pending is through by now", () => {
    const payload = refundCharge.payload.parse({ charge });
    for (const status of ["pending", "needs_action"])
      expect(
        refundCharge.after?.objection(payload, { provider: "stripe", receipt: { ...captured, status } }),
      ).toBeUndefined();
  });
  test("knows the id of a charge when it sees one", () => {
    expect(problemWith(refundCharge, { charge: "welcome-email-1" })).toContain("charge-card job");
    expect(problemWith(refundCharge, { charge })).toBeUndefined();
    expect(problemWith(refundCharge, { charge: "repeat:charge-card.monthly:1795499515499" })).toBeUndefined();
  });
});

test("receipts of money stay for 30 days, in which a repeated enqueue is absorbed", () => {
  expect([chargeCard.keepCompletedMs, refundCharge.keepCompletedMs]).toEqual([
    30 * 24 * hour,
    30 * 24 * hour,
  ]);
});

test("what the new jobs call sensitive holds all that is personal", () => {
  expect(chargeCard.sensitive).toEqual(["paymentMethod", "customer", "description", "metadata"]);
  expect(syncAnalytics.sensitive).toEqual(["userId", "anonymousId", "events"]);
});
