import { spawn } from "node:child_process";
import { join } from "node:path";

import { endOf, firstLine, release } from "./child.ts";
import type { Link } from "./link.ts";

/** The last resort, from npm alone on any system: a Redis written in JavaScript. */
export const fromJs: Link = async (context) => {
  const script = join(import.meta.dirname, "js-server.ts");
  const child = spawn(process.execPath, [script, String(context.port ?? 0)], {
    detached: true,
    stdio: ["pipe", "pipe", "pipe"],
    env: context.env,
  });
  const stop = async (): Promise<void> => {
    child.stdin.destroy();
    await endOf(child);
  };
  try {
    const url = `redis://127.0.0.1:${Number(await firstLine(child))}`;
    const { pid } = child;
    return {
      kind: "up",
      redis: { url, how: "js-redis-server", notice, ...(pid === undefined ? {} : { pid }), stop },
    };
  } catch (error) {
    await stop();
    throw error;
  } finally {
    release(child);
  }
};

const notice =
  "This is js-redis-server, the last resort: it is slow (about 140 jobs a second), keeps nothing when it stops, and is good for a first look only. " +
  "Install redis-server or Docker, or set REDIS_URL.";
