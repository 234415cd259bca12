import type { AnyJob } from "@understudy/core";
import { familyOf, type Redis } from "@understudy/queue";

import type { System } from "./types.ts";

/** Where a system's jobs of a kind are: BullMQ's name and prefix of their queue. */
export interface Place {
  readonly name: string;
  readonly prefix: string;
}

export function placeOf(system: System, namespace: string, { queue }: AnyJob): Place {
  return system === "ours" ? familyOf(queue, namespace) : { name: queue, prefix: namespace };
}

export function keyIn({ prefix, name }: Place, part: string): string {
  return `${prefix}:${name}:${part}`;
}

/** How many jobs wait there, whatever for. */
export async function waitingIn(redis: Redis, place: Place): Promise<number> {
  const counts = await Promise.all([
    redis.llen(keyIn(place, "wait")),
    redis.zcard(keyIn(place, "prioritized")),
    redis.zcard(keyIn(place, "delayed")),
  ]);
  return counts.reduce((a, b) => a + b, 0);
}
