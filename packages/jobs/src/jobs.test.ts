import { emailRequest, requestOf } from "@understudy/core";
import { describe, expect, test } from "vitest";

import { jobs, passwordReset, sendEmail, welcomeEmail } from "./index.ts";

const hour = 3_600_000;

test("every job has a name of its own", () => {
  expect(new Set(jobs.map(({ name }) => name)).size).toBe(jobs.length);
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
