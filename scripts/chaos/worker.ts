import { join } from "node:path";

import { type App, startApp } from "../tour/process.ts";

/** A worker that can be told to stop, or killed. */
export interface ChaosWorker {
  readonly name: string;
  /** SIGKILL; resolves when it is dead. */
  kill(): Promise<void>;
  /** SIGTERM. @returns its exit status, or the signal that ended it */
  drain(): Promise<number | string>;
}

export const logDir = join(import.meta.dirname, "../../.understudy/logs/chaos");

let started = 0;

/** Starts a worker as its users do, and waits until it serves. */
export async function startChaosWorker(env: Readonly<Record<string, string>>): Promise<ChaosWorker> {
  started += 1;
  const app: App = startApp({
    name: `worker-${started}`,
    main: "apps/worker/src/main.ts",
    env,
    logDir,
  });
  const { pid } = await app.first(({ event }) => event === "started");
  const signal = async (name: NodeJS.Signals): Promise<number | string> => {
    try {
      process.kill(Number(pid), name);
    } catch {
      // it is gone already: how it ended is told
    }
    return await app.ended;
  };
  return {
    name: app.name,
    kill: async () => {
      await signal("SIGKILL");
    },
    drain: async () => await signal("SIGTERM"),
  };
}
