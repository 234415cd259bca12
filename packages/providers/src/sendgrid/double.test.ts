import { type EmailRequest, emailRequest, type Outcome } from "@understudy/core";
import { expect, test } from "vitest";

import { openapiDouble } from "../testing/openapi-double.ts";
import { sendgrid } from "./provider.ts";

// The vendor's own description, cut to this operation; its `info` says where it is from. It does not name X-Message-Id.
const double = () =>
  openapiDouble(new URL("testing/openapi.json", import.meta.url), { "x-message-id": "abc" });

const simple = emailRequest.parse({
  from: "shop@example.com",
  to: ["ada@example.org"],
  subject: "Hello",
  text: "Hello, Ada.",
});
const everything = emailRequest.parse({
  from: { email: "shop@example.com", name: "The Shöp" },
  to: ["ada@example.org", { email: "grace@example.org", name: "Grace" }],
  cc: ["audit@example.com"],
  bcc: ["files@example.com"],
  replyTo: { email: "help@example.com", name: "Help" },
  subject: "Your order — 4711",
  text: "It is on its way.",
  html: "<p>It is on its way.</p>",
  tags: ["orders", "eu", "orders"],
  headers: { "X-Shop": "1" },
  attachments: [
    { filename: "bill.pdf", contentType: "application/pdf", contentBase64: "aGVsbG8=" },
    { filename: "terms.txt", contentType: "text/plain", contentBase64: "aGVsbG8=" },
  ],
});

function send(baseUrl: string, request: EmailRequest): Promise<Outcome> {
  const adapter = sendgrid.adapters[0]!.create(sendgrid.config.parse({ ...sendgrid.sandboxConfig, baseUrl }));
  return adapter(request, { jobId: "double-1", idempotencyKey: "k", signal: new AbortController().signal });
}

test.each([
  ["a simple mail", simple],
  ["a mail with everything", everything],
])("SendGrid's own description has nothing to say against %s", async (_, request) => {
  await using vendor = await double();
  const outcome = await send(vendor.url, request);
  expect(vendor.verdicts).toEqual([[]]);
  expect(outcome).toMatchObject({ kind: "delivered", externalId: "abc" });
});

test.each<[string, EmailRequest, RegExp]>([
  ["a sender who is none", { ...simple, from: { email: "shop" } }, /from\/email must match format "email"/u],
  [
    "an empty attachment",
    { ...simple, attachments: [{ filename: "a", contentType: "text/plain", contentBase64: "" }] },
    /attachments\/0\/content must NOT/u,
  ],
  ["no subject", { ...simple, subject: "" }, /subject must NOT have fewer than 1 characters/u],
  [
    "too many tags",
    { ...simple, tags: Array.from({ length: 11 }, (_, n) => `t${n}`) },
    /categories must NOT/u,
  ],
])("and it is that description which refuses a request with %s", async (_, spoiled, complaint) => {
  await using vendor = await double();
  const outcome = await send(vendor.url, spoiled);
  expect(vendor.verdicts).toEqual([[expect.stringMatching(complaint)]]);
  expect(outcome).toMatchObject({ kind: "rejected", code: "http_400", detail: "null invalid request" });
});
