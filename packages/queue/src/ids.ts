import { hash } from "node:crypto";

/** 120 bits: the shorter an id, the less of Redis each job takes, which holds it several times. */
const ID_LENGTH = 20;

/** BullMQ forbids ids that are integers or hold a colon, so the key itself cannot be one. */
export function jobIdOf(jobName: string, idempotencyKey: string): string {
  return `${jobName}-${hash("sha256", idempotencyKey, "base64url").slice(0, ID_LENGTH)}`;
}

/** 128 bits, in characters that are safe in a Redis key, a URL and a Message-ID. */
export function digest(text: string): string {
  return hash("sha256", text, "hex").slice(0, 32);
}
