import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

import type { Link } from "./link.ts";
import { answers, freePort, waitUntil } from "./probe.ts";

/** Ends with us: the pipe closes when this process does, however it does. */
const leash = `data:text/javascript,process.stdin.on("end",()=>process.exit(0)).resume()`;

/** The last resort, from npm alone on any system: a Redis written in JavaScript. */
export const fromJs: Link = async (context) => {
  const cli = join(dirname(createRequire(import.meta.url).resolve("js-redis-server")), "cli.js");
  const port = context.port ?? (await freePort());
  const url = `redis://127.0.0.1:${port}`;
  const child = spawn(process.execPath, ["--import", leash, cli, "--port", String(port)], {
    detached: true,
    stdio: ["pipe", "ignore", "pipe"],
    env: context.env,
  });
  let words = "";
  child.stderr.on("data", (chunk: Buffer) => {
    words = (words + chunk.toString()).slice(-2_000);
  });
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null;
  const stop = async (): Promise<void> => {
    if (hasEnded()) return;
    child.stdin.destroy();
    await once(child, "exit");
  };
  try {
    await waitUntil(
      () => answers(url),
      "js-redis-server",
      () => (hasEnded() ? words.trim() || `code ${child.exitCode}` : undefined),
    );
  } catch (error) {
    await stop();
    throw error;
  }
  child.unref();
  for (const stream of [child.stdin, child.stderr]) (stream as unknown as { unref(): void }).unref();
  return {
    kind: "up",
    redis: {
      url,
      how: "js-redis-server",
      notice,
      ...(child.pid === undefined ? {} : { pid: child.pid }),
      stop,
    },
  };
};

const notice =
  "This is js-redis-server, the last resort: it is slow (about 140 jobs a second), keeps nothing when it stops, and is good for a first look only. " +
  "Install redis-server or Docker, or set REDIS_URL.";
