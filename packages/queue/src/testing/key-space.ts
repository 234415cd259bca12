import type { Redis } from "ioredis";

/**
 * Everything under a prefix, by key, without what differs by place and time: the prefix, the ids of events, and how many of the last
 * five seconds a key has left.
 */
export async function keySpace(redis: Redis, prefix: string): Promise<Readonly<Record<string, unknown>>> {
  const keys = (await redis.keys(`${prefix}*`)).toSorted();
  const facts = await ask(redis, keys, (pipeline, key) => {
    pipeline.type(key);
    pipeline.pttl(key);
  });
  const kinds = keys.map((_, n) => String(facts[2 * n]));
  const values = await ask(redis, keys, (pipeline, key, n) => readInto(pipeline, key, kinds[n] ?? ""));
  const found: Record<string, unknown> = {};
  for (const [n, key] of keys.entries()) {
    const kind = kinds[n] ?? "";
    const ttl = Number(facts[2 * n + 1]);
    const value = tidy(kind, without(prefix, values[n]));
    found[key.slice(prefix.length)] = {
      kind,
      value,
      ...(ttl > 0 ? { secondsLeft: Math.ceil(ttl / 5000) * 5 } : {}),
    };
  }
  return found;
}

type Pipeline = ReturnType<Redis["pipeline"]>;

async function ask(
  redis: Redis,
  keys: readonly string[],
  put: (pipeline: Pipeline, key: string, n: number) => unknown,
): Promise<readonly unknown[]> {
  const pipeline = redis.pipeline();
  for (const [n, key] of keys.entries()) put(pipeline, key, n);
  return ((await pipeline.exec()) ?? []).map(([, answer]) => answer);
}

function readInto(pipeline: Pipeline, key: string, kind: string): Pipeline {
  if (kind === "hash") return pipeline.hgetall(key);
  if (kind === "list") return pipeline.lrange(key, "0", "-1");
  if (kind === "zset") return pipeline.zrange(key, "0", "-1", "WITHSCORES");
  if (kind === "set") return pipeline.smembers(key);
  if (kind === "stream") return pipeline.xrange(key, "-", "+");
  return pipeline.get(key);
}

/** As JSON has it. */
export function without(prefix: string, value: unknown): unknown {
  if (value === undefined) return undefined;
  return JSON.parse(JSON.stringify(value).replaceAll(prefix, "")) as unknown;
}

function tidy(kind: string, value: unknown): unknown {
  if (kind === "set") return (value as readonly string[]).toSorted();
  if (kind === "stream") return (value as readonly (readonly [string, readonly string[]])[]).map(eventOf);
  if (kind !== "hash") return value;
  return Object.fromEntries(
    Object.entries(value as Readonly<Record<string, string>>).map(([field, text]) => [
      field,
      field === "opts" ? (JSON.parse(text) as unknown) : text,
    ]),
  );
}

function eventOf([, fields]: readonly [string, readonly string[]]): Readonly<Record<string, string>> {
  const event: Record<string, string> = {};
  for (let n = 0; n < fields.length; n += 2) event[fields[n] ?? ""] = fields[n + 1] ?? "";
  return event;
}
