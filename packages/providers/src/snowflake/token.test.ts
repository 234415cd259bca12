import { createHash, generateKeyPairSync, verify } from "node:crypto";

import { expect, test } from "vitest";

import { createTokens } from "./token.ts";

const { privateKey: key, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const der = publicKey.export({ type: "spki", format: "der" });
const fingerprint = `SHA256:${createHash("sha256").update(der).digest("base64")}`;
const now = Date.UTC(2026, 10, 24, 5);
const minute = 60_000;

function partsOf(token: string): { head: unknown; claims: unknown; isSigned: boolean } {
  const [head = "", claims = "", signature = ""] = token.split(".");
  const isSigned = verify(
    "RSA-SHA256",
    Buffer.from(`${head}.${claims}`),
    publicKey,
    Buffer.from(signature, "base64url"),
  );
  const read = (part: string): unknown => JSON.parse(Buffer.from(part, "base64url").toString());
  return { head: read(head), claims: read(claims), isSigned };
}

test("a token says who signed it, in upper case, for less than an hour, and the public key proves it", () => {
  const token = createTokens({ account: "myorg-my_account", user: "understudy", key })(now + 999);
  expect(partsOf(token)).toEqual({
    head: { alg: "RS256", typ: "JWT" },
    claims: {
      iss: `MYORG-MY_ACCOUNT.UNDERSTUDY.${fingerprint}`,
      sub: "MYORG-MY_ACCOUNT.UNDERSTUDY",
      iat: now / 1000,
      exp: now / 1000 + 55 * 60,
    },
    isSigned: true,
  });
});

test("the region after an account's locator is not part of its name", () => {
  const token = createTokens({ account: "xy12345.eu-central-1.aws", user: "u", key })(now);
  expect(partsOf(token).claims).toMatchObject({ sub: "XY12345.U" });
});

test("a token is kept, and made anew before it ends", () => {
  const tokenAt = createTokens({ account: "a", user: "u", key });
  const first = tokenAt(now);
  expect(tokenAt(now + 50 * minute - 1)).toBe(first);
  const second = tokenAt(now + 50 * minute);
  expect(second).not.toBe(first);
  expect(partsOf(second).claims).toMatchObject({ iat: now / 1000 + 50 * 60 });
});
