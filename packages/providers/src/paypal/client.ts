import type { Failure } from "@understudy/core";

import { type Carried, carry, sendCarried } from "../transport/carry.ts";
import { type AccessTokens, accessTokens } from "./access-token.ts";

/** PayPal's versions stand in its paths; this is the one place that names them. */
export const paths = {
  token: "/v1/oauth2/token",
  orders: "/v2/checkout/orders",
  captures: "/v2/payments/captures",
  transactions: "/v1/reporting/transactions",
} as const;

export interface PayPalConfig {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly environment: "live" | "sandbox";
  readonly baseUrl?: string | undefined;
}

const hosts = { live: "https://api-m.paypal.com", sandbox: "https://api-m.sandbox.paypal.com" } as const;

/** No SDK: PayPal's is tied to two hosts. A failure comes from before the request: no access token could be had. */
export interface PayPalClient {
  post(path: string, requestId: string, body: unknown, signal: AbortSignal): Promise<Carried | Failure>;
  get(path: string, query: Readonly<Record<string, string>>, signal: AbortSignal): Promise<Carried | Failure>;
  /** A list that grows. */
  readonly secrets: readonly string[];
}

/** A charge, a refund and their look-ups are made of one configuration, and share its tokens. */
const tokensOf = new WeakMap<PayPalConfig, AccessTokens>();

export function payPalClient(config: PayPalConfig): PayPalClient {
  const { clientId, clientSecret, environment, baseUrl } = config;
  const root = (baseUrl ?? hosts[environment]).replace(/\/+$/u, "");
  const tokens =
    tokensOf.get(config) ?? accessTokens({ url: `${root}${paths.token}`, clientId, clientSecret });
  tokensOf.set(config, tokens);

  const authorized = async (
    signal: AbortSignal,
    send: (authorization: string) => Promise<Carried>,
  ): Promise<Carried | Failure> => {
    const token = await tokens.get(signal);
    if ("kind" in token) return token;
    const carried = await send(`Bearer ${token.value}`);
    if (!isUnauthorized(carried)) return carried;
    tokens.drop(token.value);
    if (token.isFresh) return carried;
    // Tokens can be revoked before their time. A 401 is proof that nothing was done, and the key is the same.
    const another = await tokens.get(signal);
    return "kind" in another ? another : send(`Bearer ${another.value}`);
  };

  return {
    secrets: tokens.secrets,
    post: (path, requestId, body, signal) =>
      authorized(signal, (authorization) =>
        carry(signal, () =>
          sendCarried({
            method: "POST",
            url: `${root}${path}`,
            headers: {
              authorization,
              "content-type": "application/json",
              "paypal-request-id": requestId,
              prefer: "return=representation",
            },
            body: JSON.stringify(body),
          }),
        ),
      ),
    get: (path, query, signal) => {
      const url = `${root}${path}?${new URLSearchParams(query).toString()}`;
      return authorized(signal, (authorization) =>
        carry(signal, () => sendCarried({ method: "GET", url, headers: { authorization } })),
      );
    },
  };
}

function isUnauthorized({ reply }: Carried): boolean {
  return reply?.at === "answered" && reply.status === 401;
}
