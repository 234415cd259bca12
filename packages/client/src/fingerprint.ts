import { createHash } from "node:crypto";

/** A short, stable name for content: the same for two payloads that differ only in the order of their keys. */
export function fingerprint(value: unknown): string {
  return digest(
    JSON.stringify(value, (_, part: unknown) => (isPlainObject(part) ? sorted(part) : part)) ?? "null",
  );
}

/** BullMQ forbids ids that are integers or hold a colon, so the key itself cannot be one. */
export function jobIdOf(jobName: string, idempotencyKey: string): string {
  return `${jobName}-${digest(idempotencyKey)}`;
}

/** 128 bits, in characters that are safe in a Redis key, a URL and a Message-ID. */
function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function sorted(value: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}
