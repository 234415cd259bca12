import { type Family, readFailed, type Redis, transferFailed } from "@understudy/queue";

import { letterOf } from "./dead-letter.ts";

/** The dead letters of one job family. */
export interface DeadLetterStore {
  /**
   * Moves a job that has failed for good out of the family's failed set. Exactly once, whoever calls it and how often.
   * @returns false when there was nothing to move, for instance because somebody else did
   */
  take(jobId: string): Promise<boolean>;
}

export function openDeadLetters(redis: Redis, family: Family): DeadLetterStore {
  return {
    async take(jobId) {
      for (;;) {
        const job = await readFailed(redis, family, jobId);
        if (job === undefined) return false;
        const { letter, fingerprint, isJson } = letterOf(family.name, job);
        const answer = await transferFailed(redis, family, job, {
          deadLetter: JSON.stringify(letter),
          tombstone: JSON.stringify({ tombstone: true, fingerprint: fingerprint ?? "" }),
          isJson,
        });
        if (answer !== "changed") return answer === "moved";
      }
    },
  };
}
