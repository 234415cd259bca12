import type { Redis } from "ioredis";

import { type Family, keyOf } from "./names.ts";

export type JobPlace = "waiting" | "delayed" | "active" | "completed" | "failed" | "dead" | "absent";

/** Where a job is, with its data as stored. */
export interface Located {
  readonly place: JobPlace;
  /** JSON; undefined when absent. */
  readonly data?: string;
}

/** One look at one job, in one transaction. */
export async function locate(redis: Redis, family: Family, id: string): Promise<Located> {
  const set = (queue: "name" | "dead", name: string): string => keyOf(family, queue, name);
  const answers = await redis
    .multi()
    .zscore(set("dead", "failed"), id)
    .zscore(set("name", "completed"), id)
    .zscore(set("name", "failed"), id)
    .zscore(set("name", "delayed"), id)
    .zscore(set("name", "prioritized"), id)
    .lpos(set("name", "active"), id)
    .lpos(set("name", "wait"), id)
    .hget(set("dead", id), "data")
    .hget(set("name", id), "data")
    .exec();
  const found = (answers ?? []).map(([, value]) => value);
  const places = ["dead", "completed", "failed", "delayed", "waiting", "active", "waiting"] as const;
  const index = places.findIndex((_, i) => found[i] !== null && found[i] !== undefined);
  const place = places[index];
  if (place === undefined) return { place: "absent" };
  const data = place === "dead" ? found[7] : found[8];
  return typeof data === "string" ? { place, data } : { place };
}
