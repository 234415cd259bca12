import { createPrivateKey, type KeyObject } from "node:crypto";

/** What is wrong with a key, and which setting has to be mended. */
interface KeyProblem {
  readonly setting: "privateKey" | "privateKeyPassphrase";
  readonly message: string;
}

type KeyAnswer =
  | { readonly ok: true; readonly key: KeyObject }
  | { readonly ok: false; readonly problem: KeyProblem };

/**
 * The key that Snowflake takes: RSA, 2048 bits at least, as PEM (line breaks may be written as `\n`, as they are in many an
 * environment) or as what stands between its first and last line. https://docs.snowflake.com/en/user-guide/key-pair-auth
 */
export function privateKeyOf(text: string, passphrase: string | undefined): KeyAnswer {
  const pem = text.replaceAll(String.raw`\n`, "\n");
  const isPem = pem.includes("-----BEGIN ");
  const der = Buffer.from(pem, "base64");
  const isEncrypted = isPem ? pem.includes("ENCRYPTED") : der.subarray(0, 40).includes(encryption);
  if (isEncrypted && passphrase === undefined)
    return wrong("privateKeyPassphrase", "is needed, because the private key is encrypted");
  const secret = passphrase === undefined ? {} : { passphrase };
  const key = open(isPem ? { key: pem, ...secret } : { key: der, format: "der", type: "pkcs8", ...secret });
  if (key === undefined)
    return isEncrypted
      ? wrong("privateKeyPassphrase", "does not open the private key")
      : wrong("privateKey", String.raw`must be a private key in PEM, with its line breaks or with \n`);
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  return key.asymmetricKeyType === "rsa" && bits >= 2048
    ? { ok: true, key }
    : wrong("privateKey", "must be an RSA key of 2048 bits or more");
}

/** PBES2, by which a PKCS #8 file that is encrypted begins: https://www.rfc-editor.org/rfc/rfc8018#appendix-A.4 */
const encryption = Buffer.from("2a864886f70d01050d", "hex");

function open(input: Parameters<typeof createPrivateKey>[0]): KeyObject | undefined {
  try {
    return createPrivateKey(input);
  } catch {
    return undefined;
  }
}

function wrong(setting: KeyProblem["setting"], message: string): KeyAnswer {
  return { ok: false, problem: { setting, message } };
}
