import type { Failure } from "@understudy/core";
import * as z from "zod";

import { type Carried, carry, sendCarried } from "../transport/carry.ts";
import { aborted, failureOf, parseJson } from "../transport/classify.ts";

export interface AccessToken {
  readonly value: string;
  /** It was fetched for this very call, so that another one would be no better. */
  readonly isFresh: boolean;
}

/** https://developer.paypal.com/api/rest/authentication/. One account's tokens, shared by all that use it. */
export interface AccessTokens {
  /** Concurrent callers share one request. A failure proves that nothing was asked of PayPal yet. */
  get(signal: AbortSignal): Promise<AccessToken | Failure>;
  /** PayPal refused this one. */
  drop(value: string): void;
  /** What must not be seen of them: the list grows with each token. */
  readonly secrets: readonly string[];
}

interface Account {
  readonly url: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

interface Held {
  readonly value: string;
  readonly expiresAt: number;
}

/** So that a token does not expire on its way. */
const MARGIN_MS = 60_000;
/** A caller waits no longer than its own deadline; this one frees those that come after. */
const FETCH_TIMEOUT_MS = 10_000;

export function accessTokens({ url, clientId, clientSecret }: Account): AccessTokens {
  const basic = Buffer.from(`${clientId}:${clientSecret}`).toString("base64");
  const lasting = [clientSecret, basic];
  const secrets = [...lasting];
  let held: Held | undefined;
  let fetching: Promise<Held | Failure> | undefined;

  const fetchOne = async (): Promise<Held | Failure> => {
    const signal = AbortSignal.timeout(FETCH_TIMEOUT_MS);
    const carried = await carry(signal, () =>
      sendCarried({
        method: "POST",
        url,
        headers: { authorization: `Basic ${basic}`, "content-type": "application/x-www-form-urlencoded" },
        body: "grant_type=client_credentials",
      }),
    );
    const token = tokenIn(carried);
    if (token === undefined)
      return withoutToken(failureOf(carried, signal, { rules: [], body: z.unknown() }));
    // The one before may still be on its way in another call.
    secrets.splice(lasting.length, secrets.length, ...[held?.value ?? "", token.value].filter(Boolean));
    held = token;
    return token;
  };

  return {
    secrets,
    async get(signal) {
      if (signal.aborted) return aborted(false, signal);
      if (held !== undefined && held.expiresAt > Date.now()) return { value: held.value, isFresh: false };
      fetching ??= fetchOne().finally(() => (fetching = undefined));
      const token = await Promise.race([fetching, whenAborted(signal)]);
      return "kind" in token ? token : { value: token.value, isFresh: true };
    },
    drop(value) {
      if (held?.value === value) held = undefined;
    },
  };
}

const answer = z.object({ access_token: z.string().min(1), expires_in: z.number().positive() });

function tokenIn({ reply }: Carried): Held | undefined {
  if (reply?.at !== "answered" || reply.status !== 200) return undefined;
  const said = answer.safeParse(parseJson(reply.body.toString())).data;
  if (said === undefined) return undefined;
  const expiresAt = Date.now() + said.expires_in * 1000 - MARGIN_MS;
  return { value: said.access_token, expiresAt };
}

/** Whatever became of asking for a token, nobody was charged. */
function withoutToken({ kind, code, detail = code, retryAfterMs }: Failure): Failure {
  return {
    kind: kind === "throttled" ? "throttled" : "unavailable",
    code,
    detail: `No access token: ${detail}`,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  };
}

function whenAborted(signal: AbortSignal): Promise<Failure> {
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(aborted(false, signal)), { once: true });
  });
}
