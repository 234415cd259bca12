import type { Capacity } from "@understudy/core";

/** Decides whether another job is worth fetching, knowing those that were fetched and have not asked anybody yet. */
export interface FetchDoor {
  /** 0: fetch. Else milliseconds after which to look again. */
  waitMs(now: number): number;
  /** Runs a fetch, which counts as a job until it has answered; `idOf` finds the job in the answer. */
  pass<Answer>(fetch: () => Promise<Answer>, idOf: (answer: Answer) => string | undefined): Promise<Answer>;
  /** The job is running, or was settled without running: what it takes shows in the capacity now. */
  begun(jobId: string): void;
}

/** How often a closed door is looked at. Costs no round trip. */
const MAX_STEP_MS = 250;
const MIN_STEP_MS = 5;
/** A fetched job that never began, for whatever reason, must not keep the door shut. */
const FORGET_MS = 5000;

export function createFetchDoor(capacity: () => Capacity): FetchDoor {
  const pending = new Map<string, number>();
  let fetching = 0;
  return {
    waitMs(now) {
      const { room, opensAt } = capacity();
      if (room === Infinity) return 0;
      for (const [id, since] of pending) if (now - since > FORGET_MS) pending.delete(id);
      return room - pending.size - fetching > 0
        ? 0
        : Math.min(Math.max(opensAt - now, MIN_STEP_MS), MAX_STEP_MS);
    },
    async pass(fetch, idOf) {
      fetching += 1;
      try {
        const answer = await fetch();
        const id = idOf(answer);
        if (id !== undefined) pending.set(id, Date.now());
        return answer;
      } finally {
        fetching -= 1;
      }
    },
    begun(jobId) {
      pending.delete(jobId);
    },
  };
}
