import type { Redis } from "ioredis";

import { type Family, keyOf } from "./names.ts";

/**
 * Dead letters are found by their groups: letters that died of the same share a group, and everything one can filter by, but for
 * time and text, is the same for all of a group. So one entry for each letter, in the sorted set of its group by time of death, is
 * the whole index. It is kept by the same scripts that move letters.
 */
const indexKey = (family: Family, part: string): string => `${family.prefix}:${family.dead}.index:${part}`;

export function indexKeys(family: Family, group: string): readonly [string, string, string] {
  return [indexKey(family, "groups"), indexKey(family, `group:${group}`), indexKey(family, "totals")];
}

/** What a letter is indexed by. */
export interface GroupOf {
  /** Its fingerprint. */
  readonly group: string;
  /** What all letters of the group have in common, JSON. */
  readonly facets: string;
}

/**
 * Lua. `enter` and `leave` keep the index of dead letters; both need the keys of `indexKeys`:
 * groups, a hash from group to facets; the group, a sorted set by time of death; totals, a hash of counters.
 */
export const indexLua = `
local function sizeOf(letter, log)
  local bytes = 0
  for _, part in ipairs(redis.call("HGETALL", letter)) do bytes = bytes + #part end
  for _, line in ipairs(redis.call("LRANGE", log, 0, -1)) do bytes = bytes + #line end
  return bytes
end
local function enter(groups, group, totals, letter, log, id, diedAt, name, facets)
  local bytes = sizeOf(letter, log)
  redis.call("HSET", letter, "group", name, "bytes", bytes)
  redis.call("HSETNX", groups, name, facets)
  redis.call("ZADD", group, diedAt, id)
  redis.call("HINCRBY", totals, "bytes", bytes)
end
local function leave(groups, group, totals, letter, id, name)
  if redis.call("ZREM", group, id) == 0 then return end
  if redis.call("EXISTS", group) == 0 then redis.call("HDEL", groups, name) end
  redis.call("HINCRBY", totals, "bytes", 0 - (tonumber(redis.call("HGET", letter, "bytes")) or 0))
  redis.call("HDEL", letter, "group", "bytes")
end
`;

/** Group -> facets, JSON. */
export async function readGroups(redis: Redis, family: Family): Promise<ReadonlyMap<string, string>> {
  return new Map(Object.entries(await redis.hgetall(indexKey(family, "groups"))));
}

/** Counters of a family's dead letters: `bytes` that they hold, and how many were `taken`, `redriven`, `discarded`, `expired`. */
export async function readTotals(redis: Redis, family: Family): Promise<Readonly<Record<string, number>>> {
  const totals = await redis.hgetall(indexKey(family, "totals"));
  return Object.fromEntries(Object.entries(totals).map(([name, value]) => [name, Number(value)]));
}

/** Writes anew how many bytes a family's dead letters hold. */
export async function writeBytes(redis: Redis, family: Family, bytes: number): Promise<void> {
  await redis.hset(indexKey(family, "totals"), "bytes", bytes);
}

/** From when to when letters died, both ends included; epoch milliseconds. */
export interface Span {
  readonly from?: number;
  readonly to?: number;
}

/** A group's letters, or all of the family. */
export interface Within {
  readonly family: Family;
  readonly group?: string;
}

const setOf = ({ family, group }: Within): string =>
  group === undefined ? keyOf(family, "dead", "failed") : indexKey(family, `group:${group}`);

const bounds = ({ from, to }: Span): readonly [string, string] => [
  from === undefined ? "-inf" : String(from),
  to === undefined ? "+inf" : String(to),
];

/** How many there are of each, and when the first and the last of them died. */
export async function tally(
  redis: Redis,
  all: readonly Within[],
  span: Span,
): Promise<readonly { readonly count: number; readonly oldestAt: number; readonly newestAt: number }[]> {
  const [min, max] = bounds(span);
  const pipeline = redis.pipeline();
  for (const one of all) {
    const key = setOf(one);
    pipeline.zcount(key, min, max);
    pipeline.call("ZRANGE", key, min, max, "BYSCORE", "LIMIT", "0", "1", "WITHSCORES");
    pipeline.call("ZRANGE", key, max, min, "BYSCORE", "REV", "LIMIT", "0", "1", "WITHSCORES");
  }
  const answers = valuesOf(await pipeline.exec());
  const scoreOf = (value: unknown): number => Number(flat(value)[1] ?? 0);
  return all.map((_, i) => ({
    count: Number(answers[3 * i]),
    oldestAt: scoreOf(answers[3 * i + 1]),
    newestAt: scoreOf(answers[3 * i + 2]),
  }));
}

export interface Entry {
  readonly family: Family;
  readonly id: string;
  /** Epoch milliseconds. */
  readonly diedAt: number;
}

/** A place between two entries: after this one. */
export type Place = Pick<Entry, "diedAt" | "id">;

/**
 * The next letters of all of these, merged in the order of their deaths, ties by id.
 * @param after the last one of the page before
 */
export async function nextEntries(
  redis: Redis,
  all: readonly Within[],
  {
    span,
    order,
    after,
    limit,
  }: {
    readonly span: Span;
    readonly order: "oldest" | "newest";
    readonly after?: Place | undefined;
    readonly limit: number;
  },
): Promise<readonly Entry[]> {
  const isNewest = order === "newest";
  const compare = (one: Place, other: Place): number =>
    (one.diedAt - other.diedAt || (one.id < other.id ? -1 : one.id > other.id ? 1 : 0)) * (isNewest ? -1 : 1);
  const isBeyond = (entry: Entry): boolean => after === undefined || compare(entry, after) > 0;
  const start =
    after === undefined ? span : isNewest ? { ...span, to: after.diedAt } : { ...span, from: after.diedAt };
  // Many may have died in the millisecond where the last page ended, and are read again to be passed over.
  for (let size = limit; ; size *= 2) {
    const read = await firstOf(redis, all, start, isNewest, size);
    const beyond = read.map((entries) => entries.filter(isBeyond));
    const isShort = read.some((entries, i) => entries.length === size && (beyond[i]?.length ?? 0) < limit);
    if (!isShort) return beyond.flat().toSorted(compare).slice(0, limit);
  }
}

async function firstOf(
  redis: Redis,
  all: readonly Within[],
  span: Span,
  isNewest: boolean,
  size: number,
): Promise<readonly (readonly Entry[])[]> {
  const [min, max] = bounds(span);
  const pipeline = redis.pipeline();
  for (const one of all) {
    const ends = isNewest ? [max, min, "BYSCORE", "REV"] : [min, max, "BYSCORE"];
    pipeline.call("ZRANGE", setOf(one), ...ends, "LIMIT", "0", String(size), "WITHSCORES");
  }
  const answers = valuesOf(await pipeline.exec());
  return all.map(({ family }, i) =>
    pairs(flat(answers[i])).map(([id, score]) => ({ family, id, diedAt: Number(score) })),
  );
}

/** Members and scores in turn: by the protocol's version they come so, or in pairs. */
export function flat(answer: unknown): readonly string[] {
  return (answer as readonly (string | readonly string[])[]).flat();
}

function pairs(each: readonly string[]): readonly (readonly [string, string])[] {
  return Array.from(
    { length: each.length / 2 },
    (_, i) => [each[2 * i] ?? "", each[2 * i + 1] ?? ""] as const,
  );
}

/** @throws the first error among a pipeline's answers */
export function valuesOf(answers: readonly (readonly [Error | null, unknown])[] | null): readonly unknown[] {
  return (answers ?? []).map(([error, value]) => {
    if (error !== null) throw error;
    return value;
  });
}
