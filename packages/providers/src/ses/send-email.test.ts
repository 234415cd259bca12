import { emailRequest, emailSend } from "@understudy/core";
import { misbehaving, testProvider } from "@understudy/testkit";
import { describe, expect, test } from "vitest";

import { ses } from "./provider.ts";

const request = emailRequest.parse({
  from: { email: "shop@example.com", name: "The Shöp" },
  to: ["ada@example.org", { email: "ADA@example.org", name: "Ada" }],
  cc: ["grace@example.org"],
  bcc: ["audit@example.com"],
  replyTo: "help@example.com",
  subject: "Your order 4711",
  text: "It is on its way.",
  html: "<p>It is on its way.</p>",
  tags: ["orders.eu"],
  headers: { "X-Shop": "1", Authorization: "Bearer mine" },
  attachments: [{ filename: "bill.pdf", contentType: "application/pdf", contentBase64: "aGVsbG8=" }],
});
const call = { jobId: "conformance-3f9a1c", idempotencyKey: "k", signal: new AbortController().signal };
const success = { status: 200, body: JSON.stringify({ MessageId: "0102-abc" }) };

const names: Readonly<Record<number, string>> = {
  400: "BadRequestException",
  401: "UnrecognizedClientException",
  403: "AccessDeniedException",
  429: "TooManyRequestsException",
};

testProvider(ses, {
  capability: emailSend,
  request,
  success,
  refusal: (status) => JSON.stringify({ __type: names[status], message: "No." }),
});

const adapterAt = (baseUrl: string) =>
  ses.adapters[0]!.create(ses.config.parse({ ...ses.sandboxConfig, baseUrl }));

interface Sent {
  readonly Destination: unknown;
  readonly EmailTags: unknown;
  readonly FromEmailAddress: string;
  readonly Content: { readonly Raw: { readonly Data: string } };
}

test("the request is the one SES documents, signed, each recipient once", async () => {
  await using server = await misbehaving({ does: "answer", ...success });
  const outcome = await adapterAt(`${server.url}/through/a/proxy/`)(request, call);
  expect(outcome).toMatchObject({
    kind: "delivered",
    externalId: "0102-abc",
    receipt: { messageId: "<conformance-3f9a1c@example.com>" },
  });
  const [sent] = server.requests;
  expect(sent).toMatchObject({ method: "POST", path: "/through/a/proxy/v2/email/outbound-emails" });
  expect(sent?.headers.authorization).toMatch(
    /^AWS4-HMAC-SHA256 Credential=AKIAUNDERSTUDYSANDBOX\/\d{8}\/eu-west-1\/ses\/aws4_request, /u,
  );
  const body = JSON.parse(sent?.body ?? "") as Sent;
  expect(body).toMatchObject({
    FromEmailAddress: "shop@example.com",
    Destination: {
      ToAddresses: ["ada@example.org"],
      CcAddresses: ["grace@example.org"],
      BccAddresses: ["audit@example.com"],
    },
    EmailTags: [
      { Name: "job_id", Value: "conformance-3f9a1c" },
      { Name: "tag_1", Value: "orders_eu" },
    ],
  });
});

test("the message is ours: its Message-ID, its headers, its attachments, and nobody's Bcc", async () => {
  await using server = await misbehaving({ does: "answer", ...success });
  await adapterAt(server.url)(request, call);
  const body = JSON.parse(server.requests[0]?.body ?? "") as Sent;
  const mime = Buffer.from(body.Content.Raw.Data, "base64").toString();
  for (const line of [
    "Message-ID: <conformance-3f9a1c@example.com>",
    "X-Job-ID: conformance-3f9a1c",
    "X-Shop: 1",
    "Reply-To: help@example.com",
    "Subject: Your order 4711",
    "aGVsbG8=",
  ])
    expect(mime).toContain(line);
  expect(mime).toMatch(/^From: =\?UTF-8\?.*\?= <shop@example\.com>/mu);
  expect(mime).not.toContain("audit@example.com");
  expect(server.requests[0]?.headers).not.toHaveProperty("x-shop");
});

describe("what SES answers", () => {
  test.each([
    [400, "MessageRejected", "Email address is not verified.", "unavailable", "sender_unverified"],
    [400, "MailFromDomainNotVerifiedException", "", "unavailable", "sender_unverified"],
    [400, "AccountSuspendedException", "", "unavailable", "account_suspended"],
    [400, "SendingPausedException", "", "unavailable", "account_suspended"],
    [400, "MessageRejected", "Sending paused for this account.", "unavailable", "account_suspended"],
    [400, "MessageRejected", "The message contains a virus.", "rejected", "message_rejected"],
    [403, "AccessDeniedException", "User is not authorized", "unavailable", "forbidden"],
    [403, "InvalidSignatureException", "", "unavailable", "unauthorized"],
    [400, "ExpiredTokenException", "", "unavailable", "unauthorized"],
    [400, "LimitExceededException", "", "unavailable", "limit_exceeded"],
    [404, "NotFoundException", "", "unavailable", "misconfigured"],
    [400, "ThrottlingException", "Rate exceeded", "throttled", "rate_limited"],
    [400, "BadRequestException", "Illegal address", "rejected", "http_400"],
    [
      400,
      "BadRequestException",
      "Message length is more than 41943040 bytes long.",
      "unavailable",
      "too_large",
    ],
    [400, "SomethingNewException", "", "ambiguous", "http_400"],
    [422, "SomethingNewException", "", "ambiguous", "malformed_answer"],
    [400, "", "Some gateway's own words", "ambiguous", "malformed_answer"],
    [503, "ServiceUnavailable", "", "ambiguous", "http_503"],
  ])("%d %s %j is %s %s", async (status, type, message, kind, code) => {
    const headers = { "x-amzn-errortype": `${type}:http://internal.example/` };
    const body = JSON.stringify({ message });
    await using server = await misbehaving({ does: "answer", status, headers, body });
    expect(await adapterAt(server.url)(request, call)).toMatchObject({ kind, code });
  });

  test("an error named in the body only is known all the same", async () => {
    const body = JSON.stringify({ __type: "com.amazonaws.sesv2#AccountSuspendedException" });
    await using server = await misbehaving({ does: "answer", status: 400, body });
    expect(await adapterAt(server.url)(request, call)).toMatchObject({ code: "account_suspended" });
  });

  test("a rate is waited for as ever, a daily quota for ten minutes", async () => {
    const throttled = (message: string) =>
      ({
        does: "answer",
        status: 429,
        headers: { "x-amzn-errortype": "TooManyRequestsException" },
        body: JSON.stringify({ message }),
      }) as const;
    await using server = await misbehaving(throttled("Maximum sending rate exceeded."));
    const rate = await adapterAt(server.url)(request, call);
    expect(rate).toMatchObject({ kind: "throttled", code: "rate_limited" });
    expect(rate).not.toHaveProperty("retryAfterMs");
    server.behave(throttled("Daily message quota exceeded."));
    expect(await adapterAt(server.url)(request, call)).toMatchObject({
      kind: "throttled",
      code: "quota_exceeded",
      retryAfterMs: 600_000,
    });
  });

  test("neither the message nor the signature is repeated when SES repeats them", async () => {
    await using server = await misbehaving({ does: "echo", status: 400 });
    const outcome = await adapterAt(server.url)(request, call);
    const { detail = "" } = outcome as { readonly detail?: string };
    expect(detail).toContain("<data>");
    expect(detail).not.toMatch(/[\w+/=]{40}/u);
  });
});

test("temporary credentials send their token", async () => {
  await using server = await misbehaving({ does: "answer", ...success });
  const config = { ...ses.sandboxConfig, baseUrl: server.url, sessionToken: "temporary" };
  await ses.adapters[0]!.create(ses.config.parse(config))(request, call);
  expect(server.requests[0]?.headers["x-amz-security-token"]).toBe("temporary");
});

test("what is too large or has too many recipients is not accepted", () => {
  const [implementation] = ses.adapters;
  const many = Array.from({ length: 51 }, (_, i) => ({ email: `r${i}@example.org` }));
  const large = { filename: "a", contentType: "text/plain", contentBase64: "A".repeat(38_000_004) };
  expect(implementation?.accepts?.(request)).toBe(true);
  expect(implementation?.accepts?.({ ...request, to: many })).toBe(false);
  expect(implementation?.accepts?.({ ...request, attachments: [large] })).toBe(false);
});

test.each(["Frankfurt", "eu-west-1.evil.example/", ""])("the region %j is refused", (region) => {
  expect(ses.config.safeParse({ ...ses.sandboxConfig, region }).success).toBe(false);
});

test("a mail takes as much of the limits as it has recipients, each of them once", () => {
  expect(ses.adapters[0]?.cost?.(request)).toBe(3);
});
