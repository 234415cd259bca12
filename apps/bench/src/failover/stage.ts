import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { connectWorker, type Redis } from "@understudy/queue";

import { createSandbox, type Sandbox } from "./control.ts";
import { type Program, startProgram } from "./program.ts";

/** What one system is tried on: a Redis of its own, and the providers. */
export interface Stage extends AsyncDisposable {
  readonly redisUrl: string;
  readonly redis: Redis;
  readonly sandbox: Sandbox;
  /** SIGKILL at whatever it is doing, and a start on the same append-only file. */
  killRedis(): Promise<void>;
}

export async function openStage(keepEffects: number): Promise<Stage> {
  const dataDir = mkdtempSync(join(tmpdir(), "understudy-bench-"));
  let server = await startRedis(dataDir);
  const redisUrl = String(server.said["url"]);
  const sandboxProgram = await startProgram(
    "apps/sandbox/src/main.ts",
    { SANDBOX_PORT: "0", SANDBOX_KEEP_EFFECTS: String(keepEffects) },
    (line) => "sandbox" in line,
  );
  const redis = connectWorker(redisUrl);
  // It is taken away on purpose.
  redis.on("error", () => undefined);
  return {
    redisUrl,
    redis,
    sandbox: createSandbox(String(sandboxProgram.said["sandbox"])),
    async killRedis() {
      process.kill(Number(server.said["pid"]), "SIGKILL");
      await server.stop();
      server = await startRedis(dataDir, new URL(redisUrl).port);
    },
    async [Symbol.asyncDispose]() {
      redis.disconnect();
      await Promise.all([sandboxProgram.stop(), server.stop()]);
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

async function startRedis(dataDir: string, port?: string): Promise<Program> {
  return await startProgram(
    "scripts/redis.ts",
    {},
    (line) => "url" in line,
    port === undefined ? [dataDir] : [dataDir, port],
  );
}
