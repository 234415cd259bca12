import { digest } from "./ids.ts";

/** A short, stable name for JSON data: the same for two payloads that differ only in the order of their keys. */
export function fingerprint(value: unknown): string {
  return digest(canonical(value));
}

/** As JSON, the keys of each object in order: those that are whole numbers first, as JavaScript has them. */
function canonical(value: unknown): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  const fields = value as Readonly<Record<string, unknown>>;
  const texts = keysInOrder(fields).map((key) => `${JSON.stringify(key)}:${canonical(fields[key])}`);
  return `{${texts.join(",")}}`;
}

function keysInOrder(fields: Readonly<Record<string, unknown>>): readonly string[] {
  const keys = Object.keys(fields).toSorted();
  if (!keys.some((key) => /^\d/u.test(key))) return keys;
  return Object.keys(Object.fromEntries(keys.map((key) => [key, 0])));
}
