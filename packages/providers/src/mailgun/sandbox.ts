import { type FakeAnswer, type FakeRequest, httpSandbox } from "../sandbox/http-sandbox.ts";
import { isBadAddress } from "../sandbox/sandbox.ts";
import { mailgun } from "./provider.ts";

const { apiKey, domain } = mailgun.sandboxConfig;

/** Judges `POST /v3/{domain}/messages` as https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/messages describes it. */
export const mailgunSandbox = httpSandbox({
  provider: mailgun.name,
  config: mailgun.sandboxConfig,
  answer,
  refusal: (status, retryAfter) => ({ message: refusalWords(status, retryAfter) }),
});

function refusalWords(status: number, retryAfter: number | undefined): string {
  if (status !== 429) return status === 503 ? "Service Unavailable" : "Internal Server Error";
  const limit = `Domain ${domain} is not allowed to send: recipient limit exceeded`;
  return retryAfter === undefined ? limit : `${limit}, try again after ${retryAfter} seconds`;
}

async function answer({ method, path, headers, body }: FakeRequest): Promise<FakeAnswer> {
  const wanted = /^\/v3\/([^/]+)\/messages$/u.exec(path)?.[1];
  if (method !== "POST" || wanted === undefined) return { status: 404, body: "404 page not found" };
  if (headers.authorization !== `Basic ${Buffer.from(`api:${apiKey}`).toString("base64")}`)
    return { status: 401, body: "Forbidden" };
  if (wanted !== domain) return refuse(404, `Domain not found: ${wanted}`);
  if (body.length > 25 * 1024 * 1024) return refuse(413, "The message is too large");
  const form = await formOf(headers["content-type"] ?? "", body);
  return form === undefined ? refuse(400, "The form could not be read") : judge(form);
}

async function formOf(contentType: string, body: Buffer): Promise<FormData | undefined> {
  try {
    const copy = new Uint8Array(body);
    return await new Response(copy, { headers: { "content-type": contentType } }).formData();
  } catch {
    return undefined;
  }
}

function judge(form: FormData): FakeAnswer {
  const recipients = ["to", "cc", "bcc"].flatMap((field) => texts(form, field));
  if (!texts(form, "from").every(isMailbox) || !form.has("from"))
    return refuse(400, "'from' parameter is not a valid address. please check documentation");
  if (!form.has("to") || !recipients.every(isMailbox) || recipients.some(isBadAddress))
    return refuse(400, "'to' parameter is not a valid address. please check documentation");
  if (recipients.length > 1000) return refuse(400, "Number of recipients exceeds the limit of 1000");
  if (!form.has("text") && !form.has("html"))
    return refuse(400, "Need at least one of 'text' or 'html' parameters specified");
  const [messageId] = texts(form, "h:Message-Id");
  const [jobId] = texts(form, "v:job_id");
  return {
    status: 200,
    body: { id: messageId ?? `<${crypto.randomUUID()}@${domain}>`, message: "Queued. Thank you." },
    effect: { jobId, messageId, recipients: recipients.length },
  };
}

function isMailbox(text: string): boolean {
  return /^(?:"(?:[^"\\]|\\.)*" )?<?[^\s<>@"]+@[^\s<>@"]+>?$/u.test(text);
}

function texts(form: FormData, field: string): readonly string[] {
  return form.getAll(field).filter((value) => typeof value === "string");
}

function refuse(status: number, message: string): FakeAnswer {
  return { status, body: { message } };
}
