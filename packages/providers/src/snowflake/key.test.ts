import { generateKeyPairSync, type KeyObject } from "node:crypto";

import { expect, test } from "vitest";

import { privateKeyOf } from "./key.ts";
import { snowflake } from "./provider.ts";

const { privateKey: rsa } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const encryption = { cipher: "aes-256-cbc", passphrase: "open sesame" };

function pemOf(key: KeyObject, encrypted: object = {}): string {
  return String(key.export({ type: "pkcs8", format: "pem", ...encrypted }));
}
const bodyOf = (pem: string): string => pem.replaceAll(/-----.*-----|\s/gu, "");

test.each<[string, string, string?]>([
  ["PEM", pemOf(rsa)],
  ["PEM with its line breaks written out", pemOf(rsa).replaceAll("\n", String.raw`\n`)],
  ["PKCS #1", String(rsa.export({ type: "pkcs1", format: "pem" }))],
  ["the body of a PEM", bodyOf(pemOf(rsa))],
  ["PEM, encrypted", pemOf(rsa, encryption), "open sesame"],
  ["the body of a PEM, encrypted", bodyOf(pemOf(rsa, encryption)), "open sesame"],
])("a key is read as %s", (_, text, passphrase) => {
  const answer = privateKeyOf(text, passphrase);
  expect(answer.ok && answer.key.equals(rsa)).toBe(true);
});

const small = generateKeyPairSync("rsa", { modulusLength: 1024 }).privateKey;
const elliptic = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
const publicPem = String(
  generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey.export({ type: "spki", format: "pem" }),
);

test.each<[string, string, string | undefined, string, string]>([
  ["no key", "change-me", undefined, "privateKey", "must be a private key in PEM"],
  ["a public key", publicPem, undefined, "privateKey", "must be a private key in PEM"],
  ["a small key", pemOf(small), undefined, "privateKey", "2048 bits"],
  ["a key of another kind", pemOf(elliptic), undefined, "privateKey", "RSA"],
  ["no passphrase", pemOf(rsa, encryption), undefined, "privateKeyPassphrase", "is needed"],
  [
    "no passphrase for a body",
    bodyOf(pemOf(rsa, encryption)),
    undefined,
    "privateKeyPassphrase",
    "is needed",
  ],
  ["a wrong passphrase", pemOf(rsa, encryption), "abracadabra", "privateKeyPassphrase", "does not open"],
])(
  "%s is refused before anything starts, by the setting that is wrong",
  (_, privateKey, passphrase, setting, words) => {
    const { privateKeyPassphrase: __, ...rest } = snowflake.sandboxConfig;
    const given = passphrase === undefined ? {} : { privateKeyPassphrase: passphrase };
    const { error } = snowflake.config.safeParse({ ...rest, privateKey, ...given });
    expect(error?.issues).toMatchObject([{ path: [setting], message: expect.stringContaining(words) }]);
    expect(JSON.stringify(error)).not.toContain(privateKey.slice(-60));
  },
);
