import { describe, expect, test } from "vitest";

import { emailRequest, messageIdOf, recipientsOf } from "./email-send.ts";

const mail = { from: "a@example.com", to: ["b@example.com"], subject: "Hi", text: "Hello" };

test("addresses may be given short or with a name", () => {
  const parsed = emailRequest.parse({ ...mail, cc: [{ email: "c@example.com", name: "C" }] });
  expect(parsed).toMatchObject({
    from: { email: "a@example.com" },
    to: [{ email: "b@example.com" }],
    cc: [{ email: "c@example.com", name: "C" }],
  });
  expect(recipientsOf(parsed)).toEqual(["b@example.com", "c@example.com"]);
  expect(emailRequest.parse(JSON.parse(JSON.stringify(parsed)))).toEqual(parsed);
});

describe("refused", () => {
  test.each([
    ["no body", { text: undefined }, "text"],
    ["nobody to send to", { to: [] }, "to"],
    ["a bad address", { to: ["nope"] }, "to.0"],
    ["a header smuggled in the subject", { subject: "Hi\r\nBcc: x@example.com" }, "subject"],
    ["a header smuggled in a header", { headers: { "X-A": "1\nBcc: x@example.com" } }, "headers.X-A"],
    ["a header smuggled in a name", { to: [{ email: "b@example.com", name: "B\nBcc: x" }] }, "to.0.name"],
    ["a header that is ours", { headers: { "Message-ID": "<x@y>" } }, "headers.Message-ID"],
    [
      "an attachment that is not base64",
      { attachments: [{ filename: "a", contentType: "text/plain", contentBase64: "%%%" }] },
      "attachments.0.contentBase64",
    ],
  ])("%s", (_, change, path) => {
    const result = emailRequest.safeParse({ ...mail, ...change });
    expect(result.error?.issues.map((issue) => issue.path.join("."))).toContain(path);
  });
});

test("the Message-ID is the job's, at the sender's domain", () => {
  expect(messageIdOf("welcome-email-1", { email: "a@mail.example.com" })).toBe(
    "<welcome-email-1@mail.example.com>",
  );
});
