import { type AnyJob, type Capacity, together, UnderstudyError } from "@understudy/core";
import type { Route } from "@understudy/resilience";

/** What this worker can run: each job with the route that serves its capability. */
export interface Catalogue {
  find(jobName: string): { readonly job: AnyJob; readonly route: Route } | undefined;
  /** The routes that the jobs of one queue use. */
  routesOf(queue: string): readonly Route[];
  /** How long completed jobs of the queue stay: as long as the job says that keeps its own longest. */
  keepCompletedMs(queue: string): number;
}

/** @throws UnderstudyError config_invalid when a job of these queues has no route, or two share a name */
export function createCatalogue(
  jobs: readonly AnyJob[],
  routes: readonly Route[],
  queues: readonly string[],
): Catalogue {
  const byName = new Map<string, { readonly job: AnyJob; readonly route: Route }>();
  for (const job of jobs.filter(({ queue }) => queues.includes(queue))) {
    const route = routes.find(({ capability }) => capability.name === job.capability.name);
    if (route === undefined || route.links.length === 0) {
      throw new UnderstudyError(
        "config_invalid",
        `The job ${job.name} needs ${job.capability.name}, but no provider is on its route.`,
      );
    }
    if (byName.has(job.name))
      throw new UnderstudyError("config_invalid", `Two jobs are named ${job.name}; names must be unique.`);
    byName.set(job.name, { job, route });
  }
  const of = (queue: string) => [...byName.values()].filter(({ job }) => job.queue === queue);
  return {
    find: (jobName) => byName.get(jobName),
    routesOf: (queue) => [...new Set(of(queue).map(({ route }) => route))],
    keepCompletedMs: (queue) => Math.max(0, ...of(queue).map(({ job }) => job.keepCompletedMs)),
  };
}

/**
 * How many more jobs the providers of these routes could take now. Routes may share providers' accounts, so their rooms do not
 * add up: the widest one counts.
 */
export function capacityOf(routes: readonly Route[]): Capacity {
  const capacities = routes.map(({ links }) => together(links.map((link) => link.capacity())));
  return {
    room: Math.max(0, ...capacities.map(({ room }) => room)),
    opensAt: Math.min(Infinity, ...capacities.map(({ opensAt }) => opensAt)),
  };
}

/** How many providers may hang without taking the slots of the last one. Sinks have shares of their own. */
export function spareOf(routes: readonly Route[]): number {
  const rivals = routes.filter(({ capability }) => capability.sinks !== true);
  return Math.max(0, new Set(rivals.flatMap(({ links }) => links.map(({ provider }) => provider))).size - 1);
}
