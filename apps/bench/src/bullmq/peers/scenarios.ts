import { join } from "node:path";

import { drain } from "../scenarios/process.ts";
import type { Stage } from "../stage.ts";
import type { Sample, Scenario, WorkOf } from "../types.ts";
import { installPeer } from "./install.ts";
import { Postgres } from "./postgres.ts";
import { type PeerName, type PeerOrder, peers } from "./types.ts";

/** Other queues, and what they run on. */
export interface Peers extends AsyncDisposable {
  readonly scenarios: readonly Scenario[];
  /** Who is missing, and why. */
  readonly missing: readonly string[];
}

const sizes = { smoke: 200, redis: 40_000, postgres: { enqueue: 3000, process: 40_000 } } as const;

/** Installs those that this machine can run. In their rows "ours" is the peer. */
export async function openPeers(stage: Stage, folder: string): Promise<Peers> {
  const missing: string[] = [];
  const postgres = await Postgres.open(stage.isPinned).catch((error: unknown) => {
    missing.push(`graphile-worker, pg-boss: no PostgreSQL could be started (${String(error)})`);
    return undefined;
  });
  const scenarios: Scenario[] = [];
  for (const peer of peers) {
    if (peer !== "bee-queue" && postgres === undefined) continue;
    const why = await installPeer(peer, join(folder, peer));
    if (why === undefined) scenarios.push(...scenariosOf(peer, join(folder, peer), postgres));
    else missing.push(why);
  }
  return {
    scenarios,
    missing,
    async [Symbol.asyncDispose]() {
      await postgres?.[Symbol.asyncDispose]();
    },
  };
}

function scenariosOf(peer: PeerName, folder: string, postgres: Postgres | undefined): readonly Scenario[] {
  const isOnRedis = peer === "bee-queue";
  const ask = async (stage: Stage, url: string, kind: PeerOrder["kind"], jobs: number): Promise<Sample> => {
    const order: PeerOrder = { peer, folder, url, kind, warm: Math.ceil(jobs / 4), jobs };
    return await stage.measure("peers/sample.ts", order, postgres === undefined ? [] : [postgres.pid]);
  };
  const fresh = async (stage: Stage): Promise<string> => {
    if (!isOnRedis && postgres !== undefined) return await postgres.database();
    await stage.empty();
    return stage.url;
  };
  const jobsFor = ({ isSmoke }: Stage, kind: "enqueue" | "process"): number => {
    if (isSmoke) return sizes.smoke;
    return isOnRedis ? sizes.redis : sizes.postgres[kind];
  };
  return [
    {
      group: "peers",
      rows: [{ name: `peer-${peer}-enqueue-100`, figure: "perSecond", unit: "jobs/s" }],
      async take(stage, system) {
        if (system === "ours")
          return await ask(stage, await fresh(stage), "enqueue", jobsFor(stage, "enqueue"));
        await stage.empty();
        return await stage.sample(system, stage.namespace(system), bareEnqueue(stage));
      },
    },
    {
      group: "peers",
      rows: [{ name: `peer-${peer}-process-50`, figure: "perSecond", unit: "jobs/s" }],
      async take(stage, system) {
        const jobs = jobsFor(stage, "process");
        if (system === "bullmq")
          return await drain(stage, system, { concurrency: 50, jobs, isTraced: false });
        const url = await fresh(stage);
        await ask(stage, url, "fill", jobs);
        return await ask(stage, url, "process", jobs);
      },
    },
  ];
}

function bareEnqueue({ isSmoke }: Stage): WorkOf<"enqueue"> {
  const jobs = isSmoke ? sizes.smoke : sizes.redis;
  return { kind: "enqueue", burst: 0, callers: 100, bulk: 1, load: "plain", warm: jobs / 4, jobs };
}
