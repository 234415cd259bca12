import type {
  SendEmailCommandInput,
  SendEmailCommandOutput,
  SESv2Client,
  SendEmailCommand,
} from "@aws-sdk/client-sesv2";

import { loadSdk } from "../load-sdk.ts";
import { sendCarried } from "../transport/carry.ts";

export interface SesConfig {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
  readonly region: string;
  readonly baseUrl?: string | undefined;
}

interface Sdk {
  readonly SESv2Client: typeof SESv2Client;
  readonly SendEmailCommand: typeof SendEmailCommand;
}

interface SesClient {
  sendEmail(input: SendEmailCommandInput): Promise<SendEmailCommandOutput>;
}

/** The part of the SDK's signed request that goes over the wire. */
interface SignedRequest {
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** The SDK builds and signs; our transport carries. Whatever the environment or a profile in the home directory says is not asked. */
export function sesClient(config: SesConfig): SesClient {
  const sdk = loadSdk("@aws-sdk/client-sesv2") as Sdk;
  const { accessKeyId, secretAccessKey, sessionToken, region } = config;
  const client = new sdk.SESv2Client({
    region,
    // Given in full, or AWS_ENDPOINT_URL could send the mail elsewhere.
    endpoint: config.baseUrl?.replace(/\/+$/u, "") ?? `https://email.${region}.amazonaws.com`,
    useFipsEndpoint: false,
    useDualstackEndpoint: false,
    credentials: { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) },
    maxAttempts: 1,
    requestHandler: { handle: carryOne },
  });
  return { sendEmail: (input) => client.send(new sdk.SendEmailCommand(input)) };
}

async function carryOne({ protocol, hostname, port, path, headers, body }: SignedRequest): Promise<unknown> {
  if (typeof body !== "string" && !(body instanceof Uint8Array))
    throw new Error("The transport carries whole bodies only.");
  const authority = port === undefined ? hostname : `${hostname}:${port}`;
  const answer = await sendCarried({
    method: "POST",
    url: `${protocol}//${authority}${path}`,
    headers,
    body,
  });
  return {
    response: { statusCode: answer.status, headers: flat(answer.headers), body: new Uint8Array(answer.body) },
  };
}

function flat(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
}
