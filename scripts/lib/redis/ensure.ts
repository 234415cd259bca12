import { homedir } from "node:os";
import { join, resolve } from "node:path";

import { fromApt } from "./apt.ts";
import { claimFolder } from "./claim.ts";
import { fromDocker } from "./docker.ts";
import { fromJs } from "./js.ts";
import type { Link, LinkContext, RedisHandle, RedisOptions } from "./link.ts";
import { fromPath } from "./path.ts";
import { fromUrl } from "./url.ts";

const links = { path: fromPath, apt: fromApt, docker: fromDocker, js: fromJs } as const satisfies Record<
  string,
  Link
>;
type LinkName = keyof typeof links;

/**
 * The first way to a Redis that this machine offers: the server that REDIS_URL names, else one of our own from PATH,
 * apt, docker or npm. REDIS_PROVIDER=path|apt|docker|js pins one of the latter.
 * Throws one message that says what was tried and what to install.
 */
export async function ensureRedis(options: RedisOptions = {}): Promise<RedisHandle> {
  const context = withDefaults(options);
  const pinned = pinnedLink(context.env);
  if (pinned === undefined) {
    const offer = await fromUrl(context);
    if (offer.kind === "up") return announced(offer.redis, context);
  }
  const claim = context.dataDir === undefined ? undefined : await claimFolder(context.dataDir);
  try {
    const redis = await firstOf(
      pinned === undefined ? (Object.keys(links) as LinkName[]) : [pinned],
      context,
    );
    claim?.note(redis.url, redis.pid);
    return announced(redis, context, () => claim?.release());
  } catch (error) {
    claim?.release();
    throw error;
  }
}

function withDefaults(options: RedisOptions): LinkContext {
  const env = options.env ?? process.env;
  return {
    dataDir: options.dataDir === undefined ? undefined : resolve(options.dataDir),
    persist: options.persist ?? options.dataDir !== undefined,
    sync: options.sync ?? "everysec",
    cluster: options.cluster ?? false,
    // The bootstrap has found a folder that can be written to.
    cache: options.cache ?? env["UNDERSTUDY_CACHE_DIR"] ?? join(homedir(), ".cache", "understudy"),
    port: options.port,
    quiet: options.quiet ?? false,
    env,
    say: (line) => {
      if (options.quiet !== true) console.error(line);
    },
  };
}

function pinnedLink(env: NodeJS.ProcessEnv): LinkName | undefined {
  const name = env["REDIS_PROVIDER"];
  if (name === undefined || name === "") return undefined;
  if (Object.hasOwn(links, name)) return name as LinkName;
  throw new Error(
    `REDIS_PROVIDER=${name} is unknown. It is one of ${Object.keys(links).join(", ")}; to use a server that is there already, set REDIS_URL instead.`,
  );
}

async function firstOf(names: readonly LinkName[], context: LinkContext): Promise<RedisHandle> {
  const tried: string[] = [];
  for (const name of names) {
    try {
      const offer = await links[name](context);
      if (offer.kind === "up") return offer.redis;
      tried.push(`${name}: ${offer.why}`);
    } catch (error) {
      tried.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  if (names.length === 1) throw new Error(`REDIS_PROVIDER pins a way to a Redis that fails. ${tried[0]}`);
  throw new Error(
    [
      "No Redis could be started. Install redis-server (Debian: apt-get install redis-server; macOS: brew install redis) or Docker,",
      "or set REDIS_URL=redis://host:6379 to use one that runs already. What was tried:",
      ...tried.map((line) => `  - ${line}`),
    ].join("\n"),
  );
}

function announced(redis: RedisHandle, context: LinkContext, release?: () => void): RedisHandle {
  if (redis.notice !== undefined) context.say(`Notice: ${redis.notice}`);
  if (release === undefined) return redis;
  return {
    ...redis,
    async stop() {
      await redis.stop();
      release();
    },
  };
}
