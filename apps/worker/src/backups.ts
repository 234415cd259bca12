import { readProven, type Redis } from "@understudy/queue";
import { mayTell } from "@understudy/resilience";

import type { WorkerConfig } from "./config.ts";
import type { FleetEvent } from "./fleet-events.ts";

const LOOK_EVERY_MS = 60_000;
/** A backup stays unproven for a while: the fleet tells of it so often. */
const TELL_EVERY_MS = 3_600_000;

/** Tells of backups that are kept warm and have not delivered for long: nobody knows whether they would. */
export function watchBackups(
  { routes, namespace, provenMs }: Pick<WorkerConfig, "routes" | "namespace" | "provenMs">,
  redis: Redis,
  tell: (event: FleetEvent) => void,
): () => void {
  const backups = [...routes].flatMap(([capability, { providers, weights, keepWarm }]) =>
    keepWarm === 0 || weights !== undefined
      ? []
      : providers.slice(1).map((provider) => ({ provider, capability })),
  );
  const look = async (): Promise<void> => {
    const proven = new Map(
      (await readProven(redis, namespace)).map((one) => [`${one.provider} ${one.capability}`, one.at]),
    );
    for (const backup of backups) {
      const name = `${backup.provider} ${backup.capability}`;
      const provenAt = proven.get(name);
      if (provenAt !== undefined && Date.now() < provenAt + provenMs) continue;
      if (!(await mayTell(redis, namespace, `unproven:${name}`, TELL_EVERY_MS))) continue;
      tell({ event: "backup_unproven", ...backup, ...(provenAt === undefined ? {} : { provenAt }) });
    }
  };
  if (backups.length === 0) return () => undefined;
  // Without Redis nobody knows; the next look may.
  const timer = setInterval(() => void look().catch(() => undefined), LOOK_EVERY_MS);
  return () => clearInterval(timer);
}
