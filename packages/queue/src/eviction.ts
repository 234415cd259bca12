import type { Redis } from "ioredis";

/**
 * A sentence for people when this server may throw jobs away to make room, else undefined. A queue on a server that evicts
 * loses jobs silently, so this is worth saying at every start.
 */
export async function evictionWarning(redis: Redis): Promise<string | undefined> {
  const policy = await evictionPolicy(redis);
  if (policy === "noeviction") return undefined;
  if (policy === undefined)
    return "Redis does not tell its maxmemory-policy. It must be noeviction, or jobs are lost when its memory is full.";
  return `Redis has maxmemory-policy ${policy}: when its memory is full it throws jobs away. Set it to noeviction: redis-cli CONFIG SET maxmemory-policy noeviction, and in its configuration.`;
}

/** Managed Redis often refuses CONFIG, but tells the policy in INFO memory. */
async function evictionPolicy(redis: Redis): Promise<string | undefined> {
  const told = /^maxmemory_policy:(\S+)/mu.exec(await redis.info("memory"))?.[1];
  if (told !== undefined) return told;
  const reply = (await redis.config("GET", "maxmemory-policy").catch(() => [])) as readonly string[];
  return reply[1];
}
