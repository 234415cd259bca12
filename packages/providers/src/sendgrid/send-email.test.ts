import { emailRequest, emailSend } from "@understudy/core";
import { misbehaving, testProvider } from "@understudy/testkit";
import { expect, test } from "vitest";

import { sendgrid } from "./provider.ts";

const request = emailRequest.parse({
  from: { email: "shop@example.com", name: "The Shop" },
  to: ["ada@example.org", { email: "ADA@example.org", name: "Ada" }],
  cc: ["grace@example.org"],
  replyTo: "help@example.com",
  subject: "Your order 4711",
  text: "It is on its way.",
  html: "<p>It is on its way.</p>",
  tags: ["orders", "orders"],
  headers: { "X-Shop": "1", Authorization: "Bearer mine" },
  attachments: [{ filename: "bill.pdf", contentType: "application/pdf", contentBase64: "aGVsbG8=" }],
});
const call = { jobId: "order-7", idempotencyKey: "k", signal: new AbortController().signal };
const success = { status: 202, headers: { "x-message-id": "abc" }, body: "" };

testProvider(sendgrid, {
  capability: emailSend,
  request,
  success: { ...success, body: "\n" },
  refusal: JSON.stringify({ errors: [{ message: "Bad Request", field: null, help: null }] }),
  expected: { "status 503": { kind: "unavailable", code: "http_503" } },
});

const adapterAt = (baseUrl: string) =>
  sendgrid.adapters[0]!.create(sendgrid.config.parse({ ...sendgrid.sandboxConfig, baseUrl }));

test("the request is the one SendGrid documents, each recipient once", async () => {
  await using server = await misbehaving({ does: "answer", ...success });
  const outcome = await adapterAt(`${server.url}/through/a/proxy/`)(request, call);

  expect(outcome).toMatchObject({
    kind: "delivered",
    externalId: "abc",
    receipt: { messageId: "<order-7@example.com>" },
  });
  const [sent] = server.requests;
  expect(sent).toMatchObject({ method: "POST", path: "/through/a/proxy/v3/mail/send" });
  expect(sent?.headers).toMatchObject({ "content-type": "application/json" });
  expect(JSON.parse(sent?.body ?? "")).toEqual({
    from: { email: "shop@example.com", name: "The Shop" },
    reply_to: { email: "help@example.com" },
    subject: "Your order 4711",
    personalizations: [
      {
        to: [{ email: "ada@example.org" }],
        cc: [{ email: "grace@example.org" }],
        headers: { "X-Shop": "1", Authorization: "Bearer mine", "Message-ID": "<order-7@example.com>" },
        custom_args: { job_id: "order-7" },
      },
    ],
    content: [
      { type: "text/plain", value: "It is on its way." },
      { type: "text/html", value: "<p>It is on its way.</p>" },
    ],
    attachments: [
      { content: "aGVsbG8=", disposition: "attachment", filename: "bill.pdf", type: "application/pdf" },
    ],
    categories: ["orders"],
  });
});

test("a mail header of the caller's never becomes a header of the HTTP request", async () => {
  await using server = await misbehaving({ does: "answer", ...success });
  await adapterAt(server.url)(request, call);
  const [sent] = server.requests;
  expect(sent?.headers.authorization).toBe("Bearer SG.understudy-sandbox");
  expect(sent?.headers).not.toHaveProperty("x-shop");
});

test.each([
  [401, "Maximum credits exceeded", "no_balance"],
  [403, "The from address does not match a verified Sender Identity.", "sender_unverified"],
  [401, "The provided authorization grant is invalid, expired, or revoked", "unauthorized"],
])("%d %s is the account's trouble: %s", async (status, message, code) => {
  const body = JSON.stringify({ errors: [{ message, field: null, help: null }] });
  await using server = await misbehaving({ does: "answer", status, body });
  expect(await adapterAt(server.url)(request, call)).toMatchObject({ kind: "unavailable", code });
});

test("202 without a message id is not SendGrid's answer", async () => {
  await using server = await misbehaving({ does: "answer", status: 202 });
  expect(await adapterAt(server.url)(request, call)).toMatchObject({
    kind: "ambiguous",
    code: "malformed_answer",
  });
});

test("what is too large, has too many recipients or an empty attachment is not accepted", () => {
  const [implementation] = sendgrid.adapters;
  const many = Array.from({ length: 501 }, (_, i) => ({ email: `r${i}@example.org` }));
  const large = { filename: "a", contentType: "text/plain", contentBase64: "A".repeat(30_000_004) };
  expect(implementation?.accepts?.(request)).toBe(true);
  expect(implementation?.accepts?.({ ...request, to: many, cc: many })).toBe(false);
  expect(implementation?.accepts?.({ ...request, attachments: [large] })).toBe(false);
  expect(implementation?.accepts?.({ ...request, attachments: [{ ...large, contentBase64: "" }] })).toBe(
    false,
  );
});
