import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { startProgram } from "../failover/program.ts";
import { accuracy } from "./accuracy.ts";
import { cost } from "./cost.ts";

/** What a shared rate limit costs a call, and how exactly a fleet of processes keeps to it. */
export async function paceBench(isSmoke: boolean): Promise<number> {
  const dataDir = mkdtempSync(join(tmpdir(), "understudy-bench-"));
  const redis = await startProgram("scripts/redis.ts", {}, (line) => "url" in line, [dataDir]);
  const url = String(redis.said["url"]);
  try {
    const isCheaper = await cost(url, isSmoke ? { calls: 500, rounds: 1 } : { calls: 5000, rounds: 5 });
    const isKept = await accuracy(
      url,
      isSmoke
        ? { workers: 2, perSecond: 100, seconds: 1, least: 0 }
        : { workers: 10, perSecond: 500, seconds: 15, least: 0.97 },
    );
    return isCheaper && isKept ? 0 : 1;
  } finally {
    await redis.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}
