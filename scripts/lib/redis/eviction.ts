import { ask } from "./probe.ts";
import { withoutSecrets } from "./without-secrets.ts";

/**
 * A sentence for people when this Redis may throw jobs away to make room, else undefined.
 * A queue on a server that evicts loses jobs silently, so this is worth saying at every start.
 */
export async function checkEviction(url: string): Promise<string | undefined> {
  const policy = await evictionPolicy(url);
  if (policy === "noeviction") return undefined;
  if (policy === undefined)
    return `The Redis at ${withoutSecrets(url)} does not tell its maxmemory-policy. It must be noeviction, or jobs are lost when its memory is full.`;
  return (
    `The Redis at ${withoutSecrets(url)} has maxmemory-policy ${policy}: when its memory is full it throws jobs away. ` +
    "Set it to noeviction: redis-cli CONFIG SET maxmemory-policy noeviction, and in its configuration."
  );
}

/** Managed Redis often refuses CONFIG, but tells the policy in INFO memory. */
function evictionPolicy(url: string): Promise<string | undefined> {
  return ask(url, async (redis) => {
    try {
      const reply = (await redis.config("GET", "maxmemory-policy")) as readonly string[];
      if (reply[1] !== undefined) return reply[1];
    } catch {
      // refused: ask the other way
    }
    const info = await redis.info("memory");
    return /^maxmemory_policy:(\S+)/mu.exec(info)?.[1];
  });
}
