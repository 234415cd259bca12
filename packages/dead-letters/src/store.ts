import {
  countFailed,
  type FailedJob,
  failedIds,
  type Family,
  readFailed,
  type Redis,
  restoreDead,
  transferFailed,
} from "@understudy/queue";

import { type DeadLetter, letterOf, readLetter } from "./dead-letter.ts";
import { renew } from "./renew.ts";

/** One dead letter as it is stored. */
export interface StoredLetter {
  readonly id: string;
  readonly letter: DeadLetter;
  /** The job's own data, its whole trail included. */
  readonly payload: unknown;
}

/** `held`: the effect is unknown and must not be doubled, so only a look-up or a person's release may let it go. */
export type RedriveAnswer = "redriven" | "gone" | "held" | "live" | "unreadable";

/** The dead letters of one job family. Every function may be called by anybody, at any time, together with any other. */
export interface DeadLetterStore {
  /**
   * Moves a job that has failed for good out of the family's failed set. Exactly once, whoever calls it and how often.
   * @returns false when there was nothing to move, for instance because somebody else did
   */
  take(jobId: string): Promise<boolean>;
  /** Takes what lies in the failed set, whoever left it there. @returns how many it moved */
  sweep(): Promise<number>;
  /** The oldest first. */
  list(page: { readonly offset: number; readonly limit: number }): Promise<readonly StoredLetter[]>;
  count(): Promise<number>;
  /**
   * Puts a letter's job back on its queue for a new life, with its trail. Where duplicates are tolerated and the effect is
   * unknown, asking for it allows one more possible copy.
   * @param forbidsDuplicates whether the job's effect must not happen twice
   */
  redrive(
    jobId: string,
    how: { readonly now: number; readonly forbidsDuplicates: boolean },
  ): Promise<RedriveAnswer>;
}

const PAGE = 100;

export function openDeadLetters(redis: Redis, family: Family): DeadLetterStore {
  const take = async (jobId: string): Promise<boolean> => {
    for (;;) {
      const job = await readFailed(redis, family, "name", jobId);
      if (job === undefined) return false;
      const answer = await transfer(job);
      if (answer !== "changed") return answer === "moved";
    }
  };

  const transfer = async (job: FailedJob): Promise<string> => {
    const { letter, fingerprint, isJson } = letterOf(family.name, job);
    return await transferFailed(redis, family, job, {
      deadLetter: JSON.stringify(letter),
      tombstone: JSON.stringify({ tombstone: true, fingerprint: fingerprint ?? "" }),
      isJson,
    });
  };

  const read = async (id: string): Promise<readonly StoredLetter[]> => {
    const job = await readFailed(redis, family, "dead", id);
    const stored = job && readLetter(job.data);
    return stored === undefined ? [] : [{ id, ...stored }];
  };

  return {
    take,
    async sweep() {
      let moved = 0;
      // What cannot be moved, such as members of a flow, stays at the head and is passed over.
      for (let offset = 0; ;) {
        const ids = await failedIds(redis, family, "name", { offset, limit: PAGE });
        const taken = await Promise.all(ids.map(take));
        const count = taken.filter(Boolean).length;
        moved += count;
        offset += ids.length - count;
        if (ids.length < PAGE) return moved;
      }
    },
    async list(page) {
      const ids = await failedIds(redis, family, "dead", page);
      return (await Promise.all(ids.map(read))).flat();
    },
    count: () => countFailed(redis, family, "dead"),
    async redrive(jobId, { now, forbidsDuplicates }) {
      for (;;) {
        const job = await readFailed(redis, family, "dead", jobId);
        if (job === undefined) return "gone";
        const stored = readLetter(job.data);
        if (stored === undefined) return "unreadable";
        if (stored.letter.effect === "maybe" && forbidsDuplicates) return "held";
        const data = renew(stored, { now, starts: job.starts });
        if (data === undefined) return "unreadable";
        const answer = await restoreDead(redis, family, {
          id: jobId,
          finishedOn: job.finishedOn,
          data,
          dueAt: now,
        });
        if (answer !== "changed") return answer === "restored" ? "redriven" : answer;
      }
    },
  };
}
