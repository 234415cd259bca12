import { randomBytes } from "node:crypto";

import * as z from "zod";

import { type FakeAnswer, type FakeRequest, httpSandbox } from "../sandbox/http-sandbox.ts";
import { isBadAddress } from "../sandbox/sandbox.ts";
import { sendgrid } from "./provider.ts";

/** Judges `POST /v3/mail/send` as https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send describes it. */
export const sendgridSandbox = httpSandbox({
  provider: sendgrid.name,
  config: sendgrid.sandboxConfig,
  answer,
  refusal: (status) => errors(refusals[status] ?? "error"),
});

const refusals: Readonly<Record<number, string>> = {
  429: "too many requests",
  500: "internal server error",
  503: "service not available",
};

const someone = z.object({ email: z.email(), name: z.string().optional() });
const strings = z.record(z.string(), z.string());

const message = z.object({
  from: someone,
  subject: z.string().min(1),
  reply_to: someone.optional(),
  personalizations: z
    .array(
      z.object({
        to: z.array(someone).min(1),
        cc: z.array(someone).optional(),
        bcc: z.array(someone).optional(),
        headers: strings.optional(),
        custom_args: strings.optional(),
      }),
    )
    .min(1)
    .max(1000),
  content: z.array(z.object({ type: z.string().min(1), value: z.string().min(1) })).min(1),
  attachments: z
    .array(z.object({ content: z.base64().min(1), filename: z.string().min(1), type: z.string().optional() }))
    .optional(),
  categories: z.array(z.string()).max(10).optional(),
});
type Message = z.output<typeof message>;

function answer({ method, path, headers, body }: FakeRequest): FakeAnswer {
  if (method !== "POST" || path !== "/v3/mail/send") return refuse(404, "not found");
  if (headers.authorization !== `Bearer ${sendgrid.sandboxConfig["apiKey"]}`)
    return refuse(401, "The provided authorization grant is invalid, expired, or revoked");
  if (!/^application\/json\b/u.test(headers["content-type"] ?? ""))
    return refuse(415, "The content-type must be application/json");
  if (body.length > 30 * 1024 * 1024) return refuse(413, "The JSON payload is too large");
  const parsed = message.safeParse(json(body));
  if (parsed.success) return judge(parsed.data);
  const [issue] = parsed.error.issues;
  return refuse(400, issue?.message ?? "Bad Request", issue?.path.join("."));
}

function judge(sent: Message): FakeAnswer {
  const everybody = sent.personalizations.flatMap(({ to, cc = [], bcc = [] }) => [...to, ...cc, ...bcc]);
  const addresses = everybody.map(({ email }) => email.toLowerCase());
  if (addresses.some(isBadAddress))
    return refuse(400, "Does not contain a valid address.", "personalizations.0.to.0.email");
  if (new Set(addresses).size < addresses.length)
    return refuse(
      400,
      "Each email address in the personalization block should be unique",
      "personalizations.0",
    );
  if (addresses.length > 1000) return refuse(400, "Too many recipients", "personalizations");
  if (sent.content.findIndex(({ type }) => type === "text/plain") > 0)
    return refuse(400, "The text/plain content must come first", "content");
  const [first] = sent.personalizations;
  return {
    status: 202,
    headers: { "x-message-id": randomBytes(16).toString("base64url") },
    effect: {
      jobId: first?.custom_args?.["job_id"],
      messageId: first?.headers?.["Message-ID"],
      recipients: addresses.length,
    },
  };
}

function refuse(status: number, words: string, field: string | null = null): FakeAnswer {
  return { status, body: errors(words, field) };
}

function errors(words: string, field: string | null = null): unknown {
  return { errors: [{ message: words, field, help: null }] };
}

function json(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}
