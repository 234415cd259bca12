import type { Stripe } from "stripe";

import { loadSdk } from "../load-sdk.ts";
import { sendCarried } from "../transport/carry.ts";
import type { HttpRequest } from "../transport/transport.ts";

/** The one place that names it; the SDK's types are of this version, so another SDK does not compile until this is looked at. */
const API_VERSION = "2026-10-28.endive";

export interface StripeConfig {
  readonly secretKey: string;
  readonly baseUrl?: string | undefined;
}

/** The SDK builds the request and signs nothing; our transport carries it. */
export function stripeClient({ secretKey, baseUrl = "https://api.stripe.com" }: StripeConfig): Stripe {
  const Sdk = loadSdk("stripe") as typeof Stripe;
  const root = baseUrl.replace(/\/+$/u, "");
  return new Sdk(secretKey, {
    apiVersion: API_VERSION,
    // With the SDK's own client a closed connection means two requests, even with retries off.
    httpClient: Sdk.createFetchHttpClient((url, init) => carryOne(root, url, init)),
    maxNetworkRetries: 0,
    telemetry: false,
  });
}

/** The SDK knows hosts only; a base URL may have a path, as behind a proxy. */
async function carryOne(
  root: string,
  target: string | URL | Request,
  { method = "GET", headers, body }: RequestInit = {},
): Promise<Response> {
  const { pathname, search } = new URL(target instanceof Request ? target.url : target);
  const answer = await sendCarried({
    method: method as HttpRequest["method"],
    url: `${root}${pathname}${search}`,
    headers: Object.fromEntries(new Headers(headers)),
    ...(typeof body === "string" && body !== "" && { body }),
  });
  return new Response(answer.body.toString(), {
    status: answer.status,
    headers: Object.entries(answer.headers).map(([name, value]) => [name, String(value)]),
  });
}
