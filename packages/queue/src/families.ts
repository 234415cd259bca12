import type { Redis } from "ioredis";

import { type Family, familyOf } from "./names.ts";

// Outside of any family's hash tag: it lists them all.
const keyOfAll = (namespace: string): string => `${namespace}:families`;

/** Remembers that a family exists, so that a job can be found by its id alone. */
export async function registerFamily(redis: Redis, { namespace, name }: Family): Promise<void> {
  await redis.sadd(keyOfAll(namespace), name);
}

/** All families that were ever used in this namespace. */
export async function knownFamilies(redis: Redis, namespace?: string): Promise<readonly Family[]> {
  const names = await redis.smembers(keyOfAll(familyOf("any", namespace).namespace));
  return names.toSorted().map((name) => familyOf(name, namespace));
}
