import { isDeepStrictEqual } from "node:util";

import { HIDDEN } from "@understudy/core";
import { readLetter } from "@understudy/dead-letters";
import type { Operator } from "@understudy/operator";
import { knownFamilies, locate, type Redis } from "@understudy/queue";

import { withinDeadline } from "../redis.ts";

interface Parts {
  readonly operator: Pick<Operator, "letter">;
  readonly redis: Redis;
  readonly namespace: string;
}

export type Unveiled = { readonly payload: unknown } | { readonly problem: string };

/**
 * An edited payload as it is to be stored. Whoever edited it saw "[hidden]" in place of what they may not see: where they left
 * that standing, what really stands there is kept.
 */
export async function unveiledPayload(
  { operator, redis, namespace }: Parts,
  id: string,
  text: string,
): Promise<Unveiled> {
  let edited: unknown;
  try {
    edited = JSON.parse(text);
  } catch {
    return { problem: "The payload is not JSON. Go back and mend it; nothing was changed." };
  }
  const letter = await operator.letter(id);
  if (letter === undefined || letter.payload === undefined) return { problem: "gone" };
  const stored = await withinDeadline(storedPayload(redis, namespace, id));
  if (stored === undefined) return { problem: "gone" };
  const payload = restore(edited, letter.payload, stored);
  if (!holdsHidden(payload)) return { payload };
  return {
    problem: `${HIDDEN} stands where nothing hidden stood. Leave a list that holds it as it was, or write it whole; nothing was changed.`,
  };
}

async function storedPayload(redis: Redis, namespace: string, id: string): Promise<unknown> {
  for (const family of await knownFamilies(redis, namespace)) {
    const { place, data = "" } = await locate(redis, family, id);
    if (place !== "dead") continue;
    const envelope = readLetter(data)?.payload;
    return typeof envelope === "object" && envelope !== null && "payload" in envelope
      ? envelope.payload
      : undefined;
  }
  return undefined;
}

/**
 * `edited`, but what stands in `stored` wherever `shown` was left standing. Not inside a list that was changed: its items may
 * have moved, and one must not get what another hides.
 */
function restore(edited: unknown, shown: unknown, stored: unknown): unknown {
  if (isDeepStrictEqual(edited, shown)) return stored;
  if (!isRecord(edited) || !isRecord(shown) || !isRecord(stored)) return edited;
  const entries = Object.entries(edited).map(([name, value]) =>
    Object.hasOwn(shown, name) ? [name, restore(value, shown[name], stored[name])] : [name, value],
  );
  return Object.fromEntries(entries) as unknown;
}

function holdsHidden(value: unknown): boolean {
  if (value === HIDDEN) return true;
  return typeof value === "object" && value !== null && Object.values(value).some(holdsHidden);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
