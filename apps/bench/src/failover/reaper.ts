import { setTimeout as sleep } from "node:timers/promises";

import type { Chance } from "./chance.ts";
import type { Program } from "./program.ts";

/** The workers of a system, some of which are killed now and then and started again. */
export interface Fleet {
  /** How many were killed. */
  readonly kills: () => number;
  /** No more kills; who was killed last is up again. */
  spare(): Promise<void>;
  stop(): Promise<void>;
}

export async function startFleet(
  size: number,
  start: () => Promise<Program>,
  chance: Chance,
): Promise<Fleet> {
  const workers = await Promise.all(Array.from({ length: size }, start));
  const over = new AbortController();
  let kills = 0;
  const reap = async (): Promise<void> => {
    for (;;) {
      await sleep(chance.between(700, 2500), undefined, { signal: over.signal }).catch(() => undefined);
      if (over.signal.aborted) return;
      const victim = chance.between(0, size - 1);
      await workers[victim]?.kill();
      kills += 1;
      workers[victim] = await start();
    }
  };
  const reaping = reap();
  // Whoever stops the fleet hears of it.
  reaping.catch(() => undefined);
  return {
    kills: () => kills,
    async spare() {
      over.abort();
      await reaping;
    },
    async stop() {
      over.abort();
      await reaping.catch(() => undefined);
      await Promise.all(workers.map((worker) => worker.kill()));
    },
  };
}
