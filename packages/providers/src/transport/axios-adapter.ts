import { sendCarried } from "./carry.ts";
import type { HttpRequest } from "./transport.ts";

/** The part of axios's request configuration that an SDK fills in. */
interface AxiosRequest {
  readonly baseURL?: string;
  readonly url?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly data?: unknown;
}

/**
 * Stands in for axios's own sockets (https://axios-http.com/docs/req_config, `adapter`). Whatever the status, the answer goes
 * back as it is: what it means is read from the wire and not from the SDK.
 */
export async function axiosAdapter(config: AxiosRequest): Promise<unknown> {
  const { status, headers, body } = await sendCarried({
    method: methodOf(config),
    url: urlOf(config),
    headers: headersOf(config),
    ...(typeof config.data === "string" && { body: config.data }),
  });
  return { status, statusText: "", headers, data: body.toString(), config };
}

const methods: readonly HttpRequest["method"][] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

function methodOf({ method = "get" }: AxiosRequest): HttpRequest["method"] {
  const known = methods.find((name) => name === method.toUpperCase());
  if (known === undefined) throw new Error(`The transport knows no method ${method}.`);
  return known;
}

function urlOf({ baseURL = "", url = "" }: AxiosRequest): string {
  return `${baseURL.replace(/\/+$/u, "")}/${url.replace(/^\/+/u, "")}`;
}

function headersOf({ headers = {} }: AxiosRequest): Record<string, string> {
  const sent: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers))
    if (typeof value === "string") sent[name.toLowerCase()] = value;
  return sent;
}
