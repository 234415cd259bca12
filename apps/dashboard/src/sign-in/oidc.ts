import { createHash } from "node:crypto";

import type { Role } from "@understudy/operator";
import type { Redis } from "@understudy/queue";
import * as client from "openid-client";
import * as z from "zod";

import { type OidcConfig, roleOf } from "./oidc-config.ts";
import { secretOf256Bits } from "./sessions.ts";

export type Returned =
  | { readonly is: "somebody"; readonly name: string; readonly role: Role; readonly next: string }
  /** They are who they say, but nothing here is theirs to see. */
  | { readonly is: "nobody"; readonly name: string }
  /** The errand was not ours, too old, used already, or refused over there. */
  | { readonly is: "refused"; readonly why: string };

/** Sends browsers to the identity provider, and reads what they bring back. */
export interface Oidc {
  /** @returns where to go, and the errand's id for the browser's cookie */
  leave(redirectUri: string, next: string): Promise<{ readonly href: string; readonly errand: string }>;
  /** @param url the whole address that the browser came back to */
  comeBack(url: URL, errand: string | undefined): Promise<Returned>;
}

const ERRAND_MS = 600_000;
const errandSchema = z.object({
  state: z.string(),
  nonce: z.string(),
  verifier: z.string(),
  next: z.string(),
});

export function createOidc(config: OidcConfig, redis: Redis, namespace: string): Oidc {
  const keyOf = (errand: string): string =>
    `${namespace}:{dashboard}:errand:${createHash("sha256").update(errand).digest("hex")}`;
  let known: Promise<client.Configuration> | undefined;
  const provider = (): Promise<client.Configuration> => {
    known ??= discover(config).catch((error: unknown) => {
      known = undefined;
      throw error;
    });
    return known;
  };
  return {
    async leave(redirectUri, next) {
      const errand = secretOf256Bits();
      const verifier = client.randomPKCECodeVerifier();
      const ticket = { state: client.randomState(), nonce: client.randomNonce(), verifier, next };
      await redis.set(keyOf(errand), JSON.stringify(ticket), "PX", ERRAND_MS);
      const url = client.buildAuthorizationUrl(await provider(), {
        redirect_uri: redirectUri,
        scope: config.scope,
        code_challenge: await client.calculatePKCECodeChallenge(verifier),
        code_challenge_method: "S256",
        state: ticket.state,
        nonce: ticket.nonce,
      });
      return { href: url.href, errand };
    },
    async comeBack(url, errand) {
      const text = errand === undefined ? null : await redis.getdel(keyOf(errand));
      if (text === null) return { is: "refused", why: "this sign-in was not begun here, or took too long" };
      const ticket = errandSchema.parse(JSON.parse(text));
      try {
        const tokens = await client.authorizationCodeGrant(await provider(), url, {
          pkceCodeVerifier: ticket.verifier,
          expectedState: ticket.state,
          expectedNonce: ticket.nonce,
          idTokenExpected: true,
        });
        return somebody(await claimsOf(await provider(), config, tokens), config, ticket.next);
      } catch (error) {
        return { is: "refused", why: wordsFor(error) };
      }
    },
  };
}

async function discover({ issuer, clientId, clientSecret }: OidcConfig): Promise<client.Configuration> {
  // Only loopback may be plain: the configuration sees to that.
  const execute = issuer.protocol === "http:" ? [client.allowInsecureRequests] : [];
  const authentication = clientSecret === undefined ? client.None() : client.ClientSecretBasic(clientSecret);
  return await client.discovery(issuer, clientId, undefined, authentication, { execute, timeout: 5 });
}

/** Some providers put groups into the ID token, some into the user info only. */
async function claimsOf(
  provider: client.Configuration,
  { rolesClaim }: OidcConfig,
  tokens: Awaited<ReturnType<typeof client.authorizationCodeGrant>>,
): Promise<Readonly<Record<string, unknown>> & { readonly sub: string }> {
  const claims = tokens.claims();
  if (claims === undefined) throw new TypeError("no ID token");
  if (claims[rolesClaim] !== undefined || provider.serverMetadata().userinfo_endpoint === undefined)
    return claims;
  return { ...claims, ...(await client.fetchUserInfo(provider, tokens.access_token, claims.sub)) };
}

function somebody(
  claims: Readonly<Record<string, unknown>> & { readonly sub: string },
  { rolesClaim, roles }: OidcConfig,
  next: string,
): Returned {
  const names = [claims["preferred_username"], claims["email"], claims.sub];
  const name = names.find((one): one is string => typeof one === "string" && one !== "") ?? claims.sub;
  const role = roleOf(claims[rolesClaim], roles);
  return role === undefined
    ? { is: "nobody", name }
    : { is: "somebody", name: name.slice(0, 64), role, next };
}

/** Of the protocol's own words only; nothing that a token holds. */
function wordsFor(error: unknown): string {
  if (error instanceof client.AuthorizationResponseError || error instanceof client.ResponseBodyError)
    return `the identity provider answered ${error.error}`;
  return "what the identity provider answered could not be trusted";
}
