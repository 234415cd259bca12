import type { Redis } from "ioredis";

import { type Family, keyOf } from "./names.ts";

export type JobPlace = "waiting" | "delayed" | "active" | "completed" | "failed" | "dead" | "absent";

/** Where a job is, with its data as stored. */
export interface Located {
  readonly place: JobPlace;
  /** JSON; undefined when absent. */
  readonly data?: string;
  readonly name?: string;
  /** JSON, of a completed job. */
  readonly returnValue?: string;
  /** Of a failed or dead one. */
  readonly failedReason?: string;
  /** How often BullMQ has started it. */
  readonly starts?: string;
}

const fields = ["data", "name", "returnvalue", "failedReason", "ats"] as const;
const names = {
  data: "data",
  name: "name",
  returnvalue: "returnValue",
  failedReason: "failedReason",
  ats: "starts",
} as const;

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
    .hmget(set("dead", id), ...fields)
    .hmget(set("name", id), ...fields)
    .exec();
  const found = (answers ?? []).map(([, value]) => value);
  const places = ["dead", "completed", "failed", "delayed", "waiting", "active", "waiting"] as const;
  const index = places.findIndex((_, i) => found[i] !== null && found[i] !== undefined);
  const place = places[index];
  if (place === undefined) return { place: "absent" };
  const values = (place === "dead" ? found[7] : found[8]) as readonly (string | null)[];
  const known = fields.flatMap((field, i) =>
    typeof values[i] === "string" ? [[names[field], values[i]]] : [],
  );
  return { place, ...(Object.fromEntries(known) as Omit<Located, "place">) };
}
