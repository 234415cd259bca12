import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { endOf, firstLine, hasEnded, lastWords, release } from "./child.ts";
import type { LinkContext, RedisHandle } from "./link.ts";
import { answers, freePort, waitUntil } from "./probe.ts";

export interface Server {
  readonly file: string;
  readonly how: string;
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * The shell stands between us and the server and ends it when our end of the pipe closes, so that not even a
 * `kill -9` of this process leaves a server or its temporary folder behind. It prints the server's process id first.
 */
const leash = `exec 3<&0
"$0" "$@" 3<&- & server=$!
echo "$server"
{ read -r _ <&3; kill "$server" 2>/dev/null; } & watch=$!
exec 3<&-
wait "$server"; code=$?
kill "$watch" 2>/dev/null
[ -z "$TEMPORARY_FOLDER" ] || rm -rf "$TEMPORARY_FOLDER" 2>/dev/null
exit "$code"`;

/** Starts a server on loopback, on a port of its own, and waits until that very process answers. */
export async function serve(server: Server, context: LinkContext): Promise<RedisHandle> {
  // A free port may be taken by somebody else before the server binds it; then another one will do.
  for (let left = context.port === undefined ? 2 : 0; ; left -= 1) {
    try {
      return await serveOn(context.port ?? (await freePort()), server, context);
    } catch (error) {
      if (left === 0 || !/in use|bind/iu.test(String(error))) throw error;
    }
  }
}

async function serveOn(port: number, server: Server, context: LinkContext): Promise<RedisHandle> {
  const dir = context.dataDir ?? mkdtempSync(join(tmpdir(), "understudy-redis-"));
  mkdirSync(dir, { recursive: true });
  const url = `redis://127.0.0.1:${port}`;
  const child = spawn("sh", ["-c", leash, server.file, ...settings(port, dir, context)], {
    // Its own process group: Ctrl-C reaches the app first, which then still has its Redis to close workers with.
    detached: true,
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...(server.env ?? context.env), TEMPORARY_FOLDER: context.dataDir === undefined ? dir : "" },
  });
  const words = lastWords(child);
  const forget = (): void => {
    if (context.dataDir === undefined) rmSync(dir, { recursive: true, force: true });
  };
  const stop = async (): Promise<void> => {
    child.stdin.destroy();
    await endOf(child);
    forget();
  };
  try {
    const pid = Number(await firstLine(child));
    await waitUntil(
      () => answers(url, pid),
      server.how,
      () => (hasEnded(child) ? words().replace(/^\d+\s*/u, "") || `code ${child.exitCode}` : undefined),
    );
    return { url, how: server.how, pid, stop };
  } catch (error) {
    await stop();
    throw error;
  } finally {
    release(child);
  }
}

function settings(port: number, dir: string, { persist, sync, cluster }: LinkContext): readonly string[] {
  return [
    ["--port", String(port), "--bind", "127.0.0.1", "--dir", dir],
    // A queue may refuse work when memory is full; it may not forget work.
    ["--maxmemory-policy", "noeviction", "--save", ""],
    cluster ? ["--cluster-enabled", "yes"] : [],
    persist ? ["--appendonly", "yes", "--appendfsync", sync] : ["--appendonly", "no"],
    // As infra/redis.conf says, which says why. The name that Redis 6 knows too (7: listpack).
    ["--hash-max-ziplist-value", "1024", "--loglevel", "warning"],
  ].flat();
}
