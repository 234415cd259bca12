import type { AnyJob } from "@understudy/core";
import { type Family, knownFamilies, type Redis } from "@understudy/queue";

import { isMoneyQueue } from "../money.ts";
import { withinDeadline } from "../redis.ts";
import { SurvivingAdapter } from "./adapters.ts";

export interface BoardQueue {
  readonly adapter: SurvivingAdapter;
  /** The family's own name. */
  readonly family: string;
  readonly isDead: boolean;
  readonly isMoney: boolean;
}

/** The queues on the board, by their BullMQ names: two of each family that was ever used. */
export interface BoardQueues {
  find(name: string): BoardQueue | undefined;
  all(): readonly BoardQueue[];
  /** Takes in families that are new. */
  refresh(): Promise<void>;
}

interface Options {
  readonly redis: Redis;
  readonly namespace: string;
  readonly jobs: readonly AnyJob[];
  readonly onNew: (adapter: SurvivingAdapter) => void;
}

export function createBoardQueues({ redis, namespace, jobs, onNew }: Options): BoardQueues {
  const known = new Map<string, BoardQueue>();
  const take = (family: Family): void => {
    for (const which of ["name", "dead"] as const) {
      const isDead = which === "dead";
      const page = isDead ? "dead-letters" : "jobs";
      const adapter = new SurvivingAdapter({
        redis,
        family,
        which,
        externalJobUrl: ({ id }) => ({
          displayText: isDead ? "Understand, redrive" : "Explain",
          href: `/${page}/${encodeURIComponent(String(id))}`,
        }),
      });
      const isMoney = isMoneyQueue(jobs, family.name);
      known.set(family[which], { adapter, family: family.name, isDead, isMoney });
      onNew(adapter);
    }
  };
  return {
    find: (name) => known.get(name),
    all: () => [...known.values()],
    async refresh() {
      for (const family of await withinDeadline(knownFamilies(redis, namespace)))
        if (!known.has(family.name)) take(family);
    },
  };
}
