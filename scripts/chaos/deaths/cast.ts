import { onTestFinished } from "vitest";

import { type App, startApp } from "../../tour/process.ts";
import type { Chance } from "../chance.ts";
import { logDir } from "../worker.ts";

/** Processes that are started again whenever they end. */
export interface Cast {
  /** SIGKILLs one of them, by chance; false when none runs at this moment. */
  kill(): boolean;
  /** How often one of them ended, by our hand or its own. */
  ends(): number;
  stop(): Promise<void>;
}

export function startCast(
  roles: readonly string[],
  env: Readonly<Record<string, string>>,
  chance: Chance,
): Cast {
  const running = new Map<string, number>();
  let ends = 0;
  const stopping = new AbortController();
  const apps = new Set<App>();
  const keep = async (name: string, role: string): Promise<void> => {
    while (!stopping.signal.aborted) {
      const app = startApp({
        name,
        main: "scripts/chaos/deaths/actor.ts",
        env: { ...env, ROLE: role },
        logDir,
        isAgain: true,
      });
      apps.add(app);
      await app
        .first(({ event }) => event === "started")
        .then(
          ({ pid }) => running.set(name, Number(pid)),
          // It may be killed, or kill itself, before it is up.
          () => undefined,
        );
      await app.ended;
      apps.delete(app);
      running.delete(name);
      ends += 1;
    }
  };
  const kept = roles.map((role, n) => keep(`${role}-${n}`, role));
  const stop = async (): Promise<void> => {
    stopping.abort();
    await Promise.all([...apps].map((app) => app.stop(0)));
    await Promise.all(kept);
  };
  onTestFinished(stop);
  return {
    kill() {
      const pids = [...running];
      const [name, pid] = pids[chance.between(0, pids.length - 1)] ?? [];
      if (name === undefined || pid === undefined) return false;
      running.delete(name);
      process.kill(pid, "SIGKILL");
      return true;
    },
    ends: () => ends,
    stop,
  };
}
