import { createHash, createPublicKey, type KeyObject, sign } from "node:crypto";

interface Signer {
  readonly account: string;
  readonly user: string;
  readonly key: KeyObject;
}

const second = 1000;
/** Snowflake takes an hour at most. */
const LIFE_MS = 55 * 60 * second;
/** A new one is made while the old one is still good, whatever the clocks differ by. */
const RENEW_MS = 5 * 60 * second;

/**
 * Makes the token of a key pair, and keeps it until shortly before it is over.
 * https://docs.snowflake.com/en/developer-guide/sql-api/authenticating#using-key-pair-authentication
 */
export function createTokens(signer: Signer): (now: number) => string {
  let token = "";
  let renewAt = -Infinity;
  return (now) => {
    if (now < renewAt) return token;
    token = tokenOf(signer, now);
    renewAt = now + LIFE_MS - RENEW_MS;
    return token;
  };
}

function tokenOf({ account, user, key }: Signer, now: number): string {
  const subject = `${accountInToken(account)}.${user.toUpperCase()}`;
  const iat = Math.floor(now / second);
  const claims = {
    iss: `${subject}.${fingerprintOf(key)}`,
    sub: subject,
    iat,
    exp: iat + LIFE_MS / second,
  };
  const signed = `${encoded({ alg: "RS256", typ: "JWT" })}.${encoded(claims)}`;
  return `${signed}.${sign("RSA-SHA256", Buffer.from(signed), key).toString("base64url")}`;
}

/** Without the region that follows an account's locator, in upper case. */
function accountInToken(account: string): string {
  const [name = ""] = account.split(".");
  return name.toUpperCase();
}

/** As `DESCRIBE USER` shows it in RSA_PUBLIC_KEY_FP. */
export function fingerprintOf(key: KeyObject): string {
  const der = createPublicKey(key).export({ type: "spki", format: "der" });
  return `SHA256:${createHash("sha256").update(der).digest("base64")}`;
}

function encoded(part: unknown): string {
  return Buffer.from(JSON.stringify(part)).toString("base64url");
}
