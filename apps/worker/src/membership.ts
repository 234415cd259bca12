import { connectProducer, connectWorker, type Redis } from "@understudy/queue";
import {
  type FleetMember,
  type FleetStore,
  hearFleet,
  joinFleet,
  openFleetStore,
} from "@understudy/resilience";

import type { WorkerConfig } from "./config.ts";
import { circuitEvent, type FleetEvent } from "./fleet-events.ts";
import { steadyNow } from "./steady-clock.ts";

/** This worker among those of its fleet: what it shares with them, and the connection that it shares it by. */
export interface Membership {
  readonly member: FleetMember;
  readonly redis: Redis;
  close(): void;
}

const nobody = (): Promise<never> => Promise.reject(new Error("this worker is to go alone"));
const nobodysStore: FleetStore = {
  read: nobody,
  swap: nobody,
  lease: nobody,
  vote: nobody,
  votes: nobody,
  expire: nobody,
  retell: nobody,
};

/** @param self this worker's name, which stands in the fleet's history */
export function joinTheFleet(
  config: Pick<WorkerConfig, "redisUrl" | "namespace" | "fleet">,
  self: string,
  tell: (event: FleetEvent) => void,
): Membership {
  const redis = connectProducer(config.redisUrl);
  const hearing = connectWorker(config.redisUrl);
  // The runtime's own connections tell of the same trouble.
  for (const connection of [redis, hearing]) connection.on("error", () => undefined);
  const member = joinFleet({
    store: config.fleet === "alone" ? nobodysStore : openFleetStore(redis, config.namespace),
    self,
    now: steadyNow,
    isAlone: config.fleet === "alone",
    onChange: ({ circuit, ...name }) => tell(circuitEvent(name, circuit, "fleet")),
    onReachable: (isReachable) => tell({ event: isReachable ? "fleet_found" : "fleet_lost" }),
  });
  redis.on("ready", () => member.news.reconnected());
  hearFleet(hearing, config.namespace, member.news).catch(() => undefined);
  return {
    member,
    redis,
    close() {
      member.close();
      hearing.disconnect();
      redis.disconnect();
    },
  };
}
