import { emailRequest, emailSend } from "@understudy/core";
import { misbehaving, testProvider } from "@understudy/testkit";
import { expect, test } from "vitest";

import { mailgun } from "./provider.ts";

const request = emailRequest.parse({
  from: { email: "shop@example.com", name: 'The "Shop", Ltd.' },
  to: ["ada@example.org", { email: "grace@example.org", name: "Grace" }],
  bcc: ["files@example.com"],
  replyTo: "help@example.com",
  subject: "Your order 4711",
  text: "It is on its way.",
  tags: ["orders", "eu"],
  headers: { "X-Shop": "1" },
  attachments: [{ filename: "bill.pdf", contentType: "application/pdf", contentBase64: "aGVsbG8=" }],
});
const call = { jobId: "order-7", idempotencyKey: "k", signal: new AbortController().signal };
const success = { status: 200, body: JSON.stringify({ id: "<order-7@example.com>", message: "Queued." }) };

testProvider(mailgun, {
  capability: emailSend,
  request,
  success,
  refusal: JSON.stringify({ message: "'to' parameter is not a valid address. please check documentation" }),
  expected: { "status 503": { kind: "unavailable", code: "http_503" } },
});

const adapterAt = (baseUrl: string) =>
  mailgun.adapters[0]!.create(mailgun.config.parse({ ...mailgun.sandboxConfig, baseUrl }));

test("the request is the form Mailgun documents", async () => {
  await using server = await misbehaving({ does: "answer", ...success });
  expect(await adapterAt(server.url)(request, call)).toMatchObject({
    kind: "delivered",
    externalId: "<order-7@example.com>",
    receipt: { accepted: ["ada@example.org", "grace@example.org", "files@example.com"] },
  });
  const [sent] = server.requests;
  expect(sent?.path).toBe("/v3/mg.understudy-sandbox.test/messages");
  expect(sent?.headers.authorization).toBe(`Basic ${btoa("api:key-understudy-sandbox")}`);
  const contentType = sent?.headers["content-type"] ?? "";
  const form = await new Response(sent?.body, { headers: { "content-type": contentType } }).formData();
  const file = form.get("attachment") as File;
  form.delete("attachment");
  expect([...form]).toEqual([
    ["h:X-Shop", "1"],
    ["from", String.raw`"The \"Shop\", Ltd." <shop@example.com>`],
    ["to", "ada@example.org"],
    ["to", '"Grace" <grace@example.org>'],
    ["bcc", "files@example.com"],
    ["h:Reply-To", "help@example.com"],
    ["subject", "Your order 4711"],
    ["text", "It is on its way."],
    ["o:tag", "orders"],
    ["o:tag", "eu"],
    ["h:Message-Id", "<order-7@example.com>"],
    ["v:job_id", "order-7"],
  ]);
  expect([file.name, file.type, await file.text()]).toEqual(["bill.pdf", "application/pdf", "hello"]);
});

test.each([
  [402, "Upgrade your plan", "no_balance"],
  [403, "Domain mg.example.com is not allowed to send: The domain is unverified", "sender_unverified"],
  [403, "Your account has been disabled", "account_suspended"],
  [404, "Domain not found: mg.example.com", "domain_unknown"],
])("%d %s is the account's trouble: %s", async (status, message, code) => {
  await using server = await misbehaving({ does: "answer", status, body: JSON.stringify({ message }) });
  expect(await adapterAt(server.url)(request, call)).toMatchObject({ kind: "unavailable", code });
});

test("a limit says in words when to come back", async () => {
  const body = JSON.stringify({ message: "recipient limit exceeded, try again after 120 seconds" });
  await using server = await misbehaving({ does: "answer", status: 429, body });
  expect(await adapterAt(server.url)(request, call)).toMatchObject({
    kind: "throttled",
    retryAfterMs: 120_000,
  });
});
