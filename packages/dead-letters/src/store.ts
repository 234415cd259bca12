import {
  countFailed,
  type FailedJob,
  failedIds,
  type Family,
  readFailed,
  type Redis,
  restoreDead,
  rewriteDead,
  transferFailed,
} from "@understudy/queue";

import { type DeadLetter, letterOf, readLetter } from "./dead-letter.ts";
import { released, renew, toLookUp } from "./renew.ts";

/** One dead letter as it is stored. */
export interface StoredLetter {
  readonly id: string;
  readonly letter: DeadLetter;
  /** The job's own data, its whole trail included. */
  readonly payload: unknown;
}

/** `held`: the effect is unknown and must not be doubled, so only a look-up or a person's release may let it go. */
export type RedriveAnswer = "redriven" | "gone" | "held" | "live" | "unreadable";

/** `known`: it is known already that it had no effect. */
export type LookUpAnswer = "asked" | "gone" | "known" | "live" | "unreadable";
export type ReleaseAnswer = "released" | "gone" | "known" | "unreadable";

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
  /**
   * Puts a letter's job of unknown effect back on its queue, so that a worker asks the provider what became of it. It completes
   * when it had happened; else it is a dead letter again, with what was learnt.
   */
  lookUp(jobId: string, now: number): Promise<LookUpAnswer>;
  /** Writes down that a person knows the job to have had no effect; then it may be redriven. */
  release(
    jobId: string,
    who: { readonly by: string; readonly reason: string; readonly now: number },
  ): Promise<ReleaseAnswer>;
}

/** A letter and the job it was read from. */
interface Read {
  readonly job: FailedJob;
  readonly letter: DeadLetter;
  readonly payload: unknown;
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

  const readOne = async (id: string): Promise<Read | "gone" | "unreadable"> => {
    const job = await readFailed(redis, family, "dead", id);
    if (job === undefined) return "gone";
    const stored = readLetter(job.data);
    return stored === undefined ? "unreadable" : { job, ...stored };
  };

  /** @param prepare the job's new data as JSON, if it can be made, or why the letter stays */
  const restore = async <Refusal extends string>(
    id: string,
    dueAt: number,
    prepare: (stored: Read) => { readonly data: string | undefined } | { readonly stays: Refusal },
  ): Promise<Refusal | "restored" | "gone" | "live" | "unreadable"> => {
    for (;;) {
      const stored = await readOne(id);
      if (typeof stored === "string") return stored;
      const prepared = prepare(stored);
      if ("stays" in prepared) return prepared.stays;
      const { data } = prepared;
      if (data === undefined) return "unreadable";
      const { finishedOn } = stored.job;
      const answer = await restoreDead(redis, family, { id, finishedOn, data, dueAt });
      if (answer !== "changed") return answer;
    }
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
      const answer = await restore(jobId, now, (stored) =>
        stored.letter.effect === "maybe" && forbidsDuplicates
          ? { stays: "held" }
          : { data: renew(stored, { now, starts: stored.job.starts }) },
      );
      return answer === "restored" ? "redriven" : answer;
    },
    async lookUp(jobId, now) {
      const answer = await restore(jobId, now, (stored) =>
        stored.letter.effect === "none" ? { stays: "known" } : { data: toLookUp(stored, stored.job.starts) },
      );
      return answer === "restored" ? "asked" : answer;
    },
    async release(jobId, who) {
      for (;;) {
        const stored = await readOne(jobId);
        if (typeof stored === "string") return stored;
        if (stored.letter.effect === "none") return "known";
        const after = released(stored, who);
        if (after === undefined) return "unreadable";
        const { finishedOn, data: before } = stored.job;
        const answer = await rewriteDead(redis, family, { id: jobId, finishedOn, before, after });
        if (answer !== "changed") return answer === "written" ? "released" : answer;
      }
    },
  };
}
