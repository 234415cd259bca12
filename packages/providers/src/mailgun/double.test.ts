import { type EmailRequest, emailRequest, type Outcome } from "@understudy/core";
import { expect, test } from "vitest";

import { openapiDouble } from "../testing/openapi-double.ts";
import { mailgun } from "./provider.ts";

// The vendor's own description, cut to this operation; its `info` says where it is from.
const double = () => openapiDouble(new URL("testing/openapi.json", import.meta.url));

const simple = emailRequest.parse({
  from: "shop@example.com",
  to: ["ada@example.org"],
  subject: "Hello",
  text: "Hello, Ada.",
});
const everything = emailRequest.parse({
  from: { email: "shop@example.com", name: "The Shöp" },
  to: ["ada@example.org", { email: "grace@example.org", name: "Grace" }],
  cc: ["audit@example.com", "board@example.com"],
  bcc: ["files@example.com"],
  replyTo: { email: "help@example.com", name: "Help" },
  subject: "Your order — 4711",
  text: "It is on its way.",
  html: "<p>It is on its way.</p>",
  tags: ["orders", "eu"],
  headers: { "X-Shop": "1" },
  attachments: [
    { filename: "bill.pdf", contentType: "application/pdf", contentBase64: "aGVsbG8=" },
    { filename: "terms.txt", contentType: "text/plain", contentBase64: "aGVsbG8=" },
  ],
});

function send(baseUrl: string, request: EmailRequest): Promise<Outcome> {
  const adapter = mailgun.adapters[0]!.create(mailgun.config.parse({ ...mailgun.sandboxConfig, baseUrl }));
  return adapter(request, { jobId: "double-1", idempotencyKey: "k", signal: new AbortController().signal });
}

test.each([
  ["a simple mail", simple],
  ["a mail with everything", everything],
])("Mailgun's own description has nothing to say against %s", async (_, request) => {
  await using vendor = await double();
  const outcome = await send(vendor.url, request);
  expect(vendor.verdicts).toEqual([[]]);
  expect(outcome).toMatchObject({ kind: "delivered", externalId: "message-id" });
});

test.each<[string, EmailRequest, string]>([
  ["no subject", { ...simple, subject: "" }, "/requestBody must have required property 'subject'"],
  ["nobody to send it to", { ...simple, to: [] }, "/requestBody must have required property 'to'"],
])("and it is that description which refuses a request with %s", async (_, spoiled, complaint) => {
  await using vendor = await double();
  const outcome = await send(vendor.url, spoiled);
  expect(vendor.verdicts).toEqual([[complaint]]);
  expect(outcome).toMatchObject({ kind: "rejected", code: "http_400" });
});
