import { createHash, createHmac } from "node:crypto";

import * as z from "zod";

import { type FakeAnswer, type FakeRequest, httpSandbox } from "../sandbox/http-sandbox.ts";
import { isBadAddress } from "../sandbox/sandbox.ts";
import { ses } from "./provider.ts";

const { accessKeyId, secretAccessKey = "", region } = ses.sandboxConfig;

/** Judges `POST /v2/email/outbound-emails` as https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html describes it. */
export const sesSandbox = httpSandbox({
  provider: ses.name,
  config: ses.sandboxConfig,
  answer,
  refusal: (status) => ({ __type: refusals[status]?.[0], message: refusals[status]?.[1] }),
});

const refusals: Readonly<Record<number, readonly [type: string, message: string]>> = {
  429: ["TooManyRequestsException", "Maximum sending rate exceeded."],
  500: ["InternalFailure", "The request processing has failed because of an unknown error."],
  503: ["ServiceUnavailable", "The request has failed due to a temporary failure of the server."],
};

const addresses = z.array(z.email()).default([]);

const message = z.object({
  FromEmailAddress: z.email().optional(),
  Destination: z.object({ ToAddresses: addresses, CcAddresses: addresses, BccAddresses: addresses }),
  Content: z.object({ Raw: z.object({ Data: z.base64().min(1) }) }),
  EmailTags: z
    .array(
      z.object({ Name: z.string().regex(/^[\w-]{1,256}$/u), Value: z.string().regex(/^[\w-]{1,256}$/u) }),
    )
    .default([]),
});

function answer(request: FakeRequest): FakeAnswer {
  if (request.method !== "POST" || request.path !== "/v2/email/outbound-emails")
    return refuse(404, "UnknownOperationException", "");
  const stranger = strangerAt(request);
  if (stranger !== undefined) return refuse(403, ...stranger);
  const parsed = message.safeParse(json(request.body));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return refuse(400, "BadRequestException", `${issue?.path.join(".")}: ${issue?.message}`);
  }
  return judge(parsed.data);
}

function judge({ Destination, Content, EmailTags }: z.output<typeof message>): FakeAnswer {
  const recipients = Object.values(Destination).flat();
  const raw = Buffer.from(Content.Raw.Data, "base64");
  if (raw.length > 40 * 1024 * 1024)
    return refuse(400, "BadRequestException", "Message length is more than 41943040 bytes long.");
  if (recipients.length === 0) return refuse(400, "BadRequestException", "Missing required field.");
  if (recipients.length > 50) return refuse(400, "BadRequestException", "Recipient count exceeds 50.");
  if (recipients.some(isBadAddress)) return refuse(400, "BadRequestException", "Illegal address");
  const headers = headersOf(raw);
  if (!headers.has("from")) return refuse(400, "BadRequestException", "Missing required header 'From'.");
  const tag = EmailTags.find(({ Name }) => Name === "job_id")?.Value;
  return {
    status: 200,
    body: { MessageId: `0102-${crypto.randomUUID()}-000000` },
    effect: {
      jobId: headers.get("x-job-id") ?? tag,
      messageId: headers.get("message-id"),
      recipients: recipients.length,
    },
  };
}

/** Why this request is not from somebody we know, checked as https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html says. */
function strangerAt(request: FakeRequest): readonly [type: string, words: string] | undefined {
  const match =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/ses\/aws4_request, SignedHeaders=([\w;-]+), Signature=([0-9a-f]{64})$/u.exec(
      request.headers.authorization ?? "",
    );
  if (match === null) return ["MissingAuthenticationTokenException", "Missing Authentication Token"];
  const [, id, day = "", where = "", signed = "", signature] = match;
  if (id !== accessKeyId)
    return ["UnrecognizedClientException", "The security token included in the request is invalid."];
  if (where === region && signature === signatureOf(request, day, where, signed.split(";"))) return undefined;
  return [
    "InvalidSignatureException",
    "The request signature we calculated does not match the signature you provided.",
  ];
}

function signatureOf(
  { method, path, headers, body }: FakeRequest,
  day: string,
  where: string,
  signed: readonly string[],
): string {
  const lines = signed.map((name) => `${name}:${String(headers[name]).trim().replaceAll(/ +/gu, " ")}`);
  const canonical = [method, path, "", ...lines, "", signed.join(";"), sha256(body)].join("\n");
  const scope = `${day}/${where}/ses/aws4_request`;
  const text = ["AWS4-HMAC-SHA256", String(headers["x-amz-date"]), scope, sha256(canonical)].join("\n");
  const key = [day, where, "ses", "aws4_request"].reduce<string | Buffer>(hmac, `AWS4${secretAccessKey}`);
  return hmac(key, text).toString("hex");
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}

function sha256(data: string | Buffer): string {
  return createHash("sha256").update(data).digest("hex");
}

/** Names in lower case, folded lines joined. */
function headersOf(raw: Buffer): ReadonlyMap<string, string> {
  const [head = ""] = raw.toString("latin1").split("\r\n\r\n", 1);
  const lines = head.replaceAll(/\r\n[ \t]+/gu, " ").split("\r\n");
  return new Map(
    lines.map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
    }),
  );
}

function refuse(status: number, type: string, words: string): FakeAnswer {
  return { status, headers: { "x-amzn-errortype": type }, body: { message: words } };
}

function json(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}
