import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { startProgram } from "../failover/program.ts";
import { held } from "../requirements.ts";
import { accuracy } from "./accuracy.ts";
import { cost } from "./cost.ts";

/** What a shared rate limit costs a call, and how exactly a fleet of processes keeps to it. */
export async function paceBench(isSmoke: boolean): Promise<number> {
  const dataDir = mkdtempSync(join(tmpdir(), "understudy-bench-"));
  const redis = await startProgram("scripts/redis.ts", {}, (line) => "url" in line, [dataDir]);
  const url = String(redis.said["url"]);
  try {
    const cheapness = await cost(url, isSmoke ? { calls: 200, rounds: 1 } : { calls: 5000, rounds: 5 });
    const exactness = await accuracy(
      url,
      isSmoke
        ? { workers: 2, perSecond: 100, warmMs: 200, seconds: 1, least: 0 }
        : { workers: 10, perSecond: 500, warmMs: 1000, seconds: 15, least: 0.97 },
    );
    return held("pace", [...cheapness, ...exactness]);
  } finally {
    await redis.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}
