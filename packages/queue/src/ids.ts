import { hash } from "node:crypto";

/** BullMQ forbids ids that are integers or hold a colon, so the key itself cannot be one. */
export function jobIdOf(jobName: string, idempotencyKey: string): string {
  return `${jobName}-${digest(idempotencyKey)}`;
}

/** 128 bits, in characters that are safe in a Redis key, a URL and a Message-ID. */
export function digest(text: string): string {
  return hash("sha256", text, "hex").slice(0, 32);
}
