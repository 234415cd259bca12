import { jobs } from "@understudy/jobs";
import type { Route } from "@understudy/resilience";
import { type Observe, startJanitor, startRuntime } from "@understudy/runtime";

import type { WorkerConfig } from "./config.ts";

/** What this process does, as one thing that is ready or not and can be closed. */
export interface Services {
  isReady(): boolean;
  /** The ids of the jobs that are being run. */
  running(): readonly string[];
  close(options: { readonly deadlineMs: number }): Promise<void>;
}

export async function startServices(
  config: WorkerConfig,
  routes: readonly Route[],
  observe: Observe,
): Promise<Services> {
  const shared = {
    redis: config.redisUrl,
    namespace: config.namespace,
    locks: { lockMs: config.lockMs, stalledCheckMs: config.stalledCheckMs },
    observe,
  };
  const runtime =
    config.role === "janitor" ? undefined : startRuntime({ ...shared, jobs, routes, queues: config.queues });
  const janitor =
    config.role === "work"
      ? undefined
      : await startJanitor({
          ...shared,
          jobs,
          queues: config.queues.map(({ name }) => name),
          retention: config.retention,
        });
  const services = [runtime ?? [], janitor ?? []].flat();
  return {
    running: () => runtime?.running() ?? [],
    isReady: () => services.every((service) => service.isReady()),
    async close(how) {
      await Promise.all(services.map((service) => service.close(how)));
    },
  };
}
