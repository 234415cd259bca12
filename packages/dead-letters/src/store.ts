import { openEnvelope, without } from "@understudy/core";
import {
  countFailed,
  dropGhost,
  type FailedJob,
  failedIds,
  type Family,
  readFailed,
  readJobLog,
  type Redis,
  removeDead,
  restoreDead,
  type RewriteAnswer,
  rewriteDead,
  type TransferAnswer,
  transferFailed,
} from "@understudy/queue";

import { type DeadLetter, letterOf, readLetter } from "./dead-letter.ts";
import { groupOf } from "./facets.ts";
import { type By, edited, released, renew, type Rewritten, toLookUp } from "./renew.ts";

/** One dead letter as it is stored. */
export interface StoredLetter {
  readonly id: string;
  readonly letter: DeadLetter;
  /** The job's own data, its whole trail included. */
  readonly payload: unknown;
}

/** A letter and the job it was read from. */
export interface ReadLetter extends StoredLetter {
  readonly job: FailedJob;
}

/**
 * `held`: the effect is unknown and must not be doubled, so only a look-up or a person's release may let it go. `invalid`,
 * `unknown_job`, `unserved`: see `Redriving.objection`.
 */
export type RedriveAnswer =
  | "redriven"
  | "gone"
  | "held"
  | "live"
  | "unreadable"
  | "invalid"
  | "unknown_job"
  | "unserved"
  | Refusal;

/**
 * What `Guard` answers. `changed`: it is not the letter any more that whoever asks has looked at. `not_permitted`: they may not.
 */
export type Refusal = "changed" | "not_permitted";

/** Looks at the very letter that something is about to be done to. */
export interface Guard {
  readonly refuses?: (letter: ReadLetter) => Refusal | undefined;
}

export interface Redriving extends By, Guard {
  /** Only this provider shall serve the next life. */
  readonly provider?: string | undefined;
  /** Whether the job's effect must not happen twice. */
  readonly forbidsDuplicates: boolean;
  /** How many copies the job's own policy allows where duplicates are tolerated. */
  readonly maxPossibleCopies?: number;
  /** What else stands in the way of it, if anything. */
  readonly objection?: (letter: ReadLetter) => "invalid" | "unknown_job" | "unserved" | undefined;
}

/** `known`: it is known already that it had no effect. */
export type LookUpAnswer = "asked" | "gone" | "known" | "live" | "unreadable" | Refusal;

export type ReleaseAnswer = "released" | "gone" | "known" | "unreadable" | Refusal;
export type EditAnswer = "edited" | "gone" | "held" | "unreadable" | Refusal;
export type DiscardAnswer = "discarded" | "gone" | Refusal;

export interface Swept {
  readonly moved: number;
  /** Members of a flow stay where they are: their parents look for them there. */
  readonly inFlows: number;
  /** Those that could not be moved: a dead letter of their id exists already. */
  readonly stuck: number;
}

/** The dead letters of one job family. Every function may be called by anybody, at any time, together with any other. */
export interface DeadLetterStore {
  /**
   * Moves a job that has failed for good out of the family's failed set. Exactly once, whoever calls it and how often.
   * @returns false when there was nothing to move, for instance because somebody else did
   */
  take(jobId: string): Promise<boolean>;
  /** Takes what lies in the failed set, whoever left it there. */
  sweep(): Promise<Swept>;
  /** The oldest first. */
  list(page: { readonly offset: number; readonly limit: number }): Promise<readonly StoredLetter[]>;
  read(jobId: string): Promise<ReadLetter | "gone" | "unreadable">;
  count(): Promise<number>;
  /**
   * Puts a letter's job back on its queue for a new life, with its trail. Where duplicates are tolerated and the effect is
   * unknown, asking for it allows one more possible copy.
   */
  redrive(jobId: string, how: Redriving): Promise<RedriveAnswer>;
  /**
   * Puts a letter's job of unknown effect back on its queue, so that a worker asks the provider what became of it. It completes
   * when it had happened; else it is a dead letter again, with what was learnt.
   */
  lookUp(jobId: string, who: By & Guard): Promise<LookUpAnswer>;
  /** Writes down that a person knows the job to have had no effect; then it may be redriven. */
  release(jobId: string, who: By & Guard): Promise<ReleaseAnswer>;
  /** Gives a letter's job another payload, if it still is the letter that was read. @param paths those that differ */
  edit(
    read: ReadLetter,
    change: By & {
      readonly payload: unknown;
      readonly paths: readonly string[];
      readonly forbidsDuplicates: boolean;
      /** Of the payload as it was: they are hidden in all that tells of the letter's past. */
      readonly secrets: readonly string[];
    },
  ): Promise<EditAnswer>;
  /** Deletes a letter. @param absorbMs how long a repeated enqueue of its job is still absorbed */
  discard(
    jobId: string,
    how: Guard & { readonly absorbMs: number; readonly counter: "discarded" },
  ): Promise<DiscardAnswer>;
  /** Puts a letter into the index where it is missing there, for instance because an earlier release has moved it. */
  reindex(jobId: string): Promise<boolean>;
}

const PAGE = 100;

export function openDeadLetters(redis: Redis, family: Family): DeadLetterStore {
  const take = async (jobId: string): Promise<TransferAnswer> => {
    for (;;) {
      const job = await readFailed(redis, family, "name", jobId);
      if (job === undefined) {
        await dropGhost(redis, family, jobId);
        return "gone";
      }
      const answer = await transfer(job);
      if (answer !== "changed") return answer;
    }
  };

  const transfer = async (job: FailedJob): Promise<TransferAnswer> => {
    const { letter, fingerprint, isJson, index } = letterOf(family.name, job);
    return await transferFailed(redis, family, job, {
      deadLetter: JSON.stringify(letter),
      tombstone: JSON.stringify({ tombstone: true, fingerprint: fingerprint ?? "" }),
      isJson,
      index,
    });
  };

  const read = async (id: string): Promise<ReadLetter | "gone" | "unreadable"> => {
    const job = await readFailed(redis, family, "dead", id);
    if (job === undefined) return "gone";
    const stored = readLetter(job.data);
    return stored === undefined ? "unreadable" : { id, job, ...stored };
  };

  /** @param prepare the job's new data as JSON, if it can be made, or why the letter stays */
  const restore = async <Stays extends string>(
    id: string,
    { counter, refuses }: Guard & { readonly counter: "redriven" | "looked_up" },
    prepare: (stored: ReadLetter) => { readonly data: string | undefined } | { readonly stays: Stays },
  ): Promise<Stays | Refusal | "restored" | "gone" | "live" | "unreadable"> => {
    for (;;) {
      const stored = await read(id);
      if (typeof stored === "string") return stored;
      const refusal = refuses?.(stored);
      if (refusal !== undefined) return refusal;
      const prepared = prepare(stored);
      if ("stays" in prepared) return prepared.stays;
      const { data } = prepared;
      if (data === undefined) return "unreadable";
      const answer = await restoreDead(redis, family, { letter: stored.job, data, counter });
      if (answer !== "changed") return answer;
    }
  };

  const write = async (
    { job }: ReadLetter,
    { data, letter, envelope }: Rewritten,
    texts?: Parameters<typeof rewriteDead>[2]["texts"],
  ): Promise<RewriteAnswer> =>
    await rewriteDead(redis, family, {
      letter: job,
      data,
      index: groupOf(letter, envelope.trail),
      ...(texts === undefined ? {} : { texts }),
    });

  const rewrite = async <Stays extends string>(
    id: string,
    { refuses }: Guard,
    prepare: (stored: ReadLetter) => Rewritten | Stays | undefined,
  ): Promise<Stays | Refusal | "written" | "gone" | "unreadable"> => {
    for (;;) {
      const stored = await read(id);
      if (typeof stored === "string") return stored;
      const refusal = refuses?.(stored);
      if (refusal !== undefined) return refusal;
      const prepared = prepare(stored);
      if (prepared === undefined) return "unreadable";
      if (typeof prepared === "string") return prepared;
      const answer = await write(stored, prepared);
      if (answer !== "changed") return answer;
    }
  };

  return {
    take: async (jobId) => (await take(jobId)) === "moved",
    async sweep() {
      const swept = { moved: 0, inFlows: 0, stuck: 0 };
      // What was not moved stays at the head, or shifts what comes after it: that is for the next sweep.
      for (let offset = 0; ;) {
        const ids = await failedIds(redis, family, "name", { offset, limit: PAGE });
        const answers = await Promise.all(ids.map(take));
        const count = (wanted: TransferAnswer): number =>
          answers.filter((answer) => answer === wanted).length;
        swept.moved += count("moved");
        swept.inFlows += count("flow_member");
        swept.stuck += count("exists");
        offset += ids.length - count("moved");
        if (ids.length < PAGE) return swept;
      }
    },
    async list(page) {
      const ids = await failedIds(redis, family, "dead", page);
      const all = await Promise.all(ids.map(read));
      return all.filter((one): one is ReadLetter => typeof one !== "string");
    },
    read,
    count: () => countFailed(redis, family, "dead"),
    async redrive(jobId, { forbidsDuplicates, objection, refuses, maxPossibleCopies = 1, ...how }) {
      const answer = await restore(jobId, { counter: "redriven", ...guard(refuses) }, (stored) => {
        if (stored.letter.effect === "maybe" && forbidsDuplicates) return { stays: "held" as const };
        const stays = objection?.(stored);
        if (stays !== undefined) return { stays };
        return { data: renew(stored, { ...how, maxPossibleCopies, starts: stored.job.starts }) };
      });
      return answer === "restored" ? "redriven" : answer;
    },
    async lookUp(jobId, { refuses, ...who }) {
      const answer = await restore(jobId, { counter: "looked_up", ...guard(refuses) }, (stored) =>
        stored.letter.effect === "none"
          ? { stays: "known" as const }
          : { data: toLookUp(stored, stored.job.starts, who) },
      );
      return answer === "restored" ? "asked" : answer;
    },
    async release(jobId, { refuses, ...who }) {
      const answer = await rewrite(jobId, guard(refuses), (stored) =>
        stored.letter.effect === "none" ? ("known" as const) : released(stored, who),
      );
      return answer === "written" ? "released" : answer;
    },
    async edit(stored, { payload, paths, forbidsDuplicates, secrets, ...who }) {
      if (stored.letter.effect === "maybe" && forbidsDuplicates) return "held";
      const next = edited(stored, payload, paths, secrets, who);
      if (next === undefined) return "unreadable";
      const { log, stacktrace } = await readJobLog(redis, family, "dead", stored.id);
      const hide = (text: string): string => without(text, secrets);
      const texts = {
        failedReason: hide(stored.job.failedReason),
        stacktrace: stacktrace.map(hide),
        log: log.map(hide),
      };
      const answer = await write(stored, next, texts);
      return answer === "written" ? "edited" : answer;
    },
    async discard(jobId, { absorbMs, counter, refuses }) {
      for (;;) {
        const letter = await readFailed(redis, family, "dead", jobId);
        if (letter === undefined) return "gone";
        const stored = readLetter(letter.data);
        const refusal = stored === undefined ? undefined : refuses?.({ id: jobId, job: letter, ...stored });
        if (refusal !== undefined) return refusal;
        const answer = await removeDead(redis, family, { letter, absorbMs, counter });
        if (answer !== "changed") return answer === "removed" ? "discarded" : answer;
      }
    },
    async reindex(jobId) {
      const job = await readFailed(redis, family, "dead", jobId);
      if (job === undefined) return false;
      const stored = readLetter(job.data);
      const opened = openEnvelope(stored?.payload);
      const index = groupOf(
        stored?.letter ?? damaged(family, job),
        opened.at === "open" ? opened.envelope.trail : [],
      );
      return (await rewriteDead(redis, family, { letter: job, index })) === "written";
    },
  };
}

function guard(refuses: Guard["refuses"]): Guard {
  return refuses === undefined ? {} : { refuses };
}

/** What is known of a letter whose own data nobody can read. */
function damaged({ name }: Family, job: FailedJob): DeadLetter {
  return {
    v: 1,
    queue: name,
    job: job.name,
    cause: "invalid",
    effect: "maybe",
    reason: "its data is damaged",
    attempts: job.starts,
    diedAt: job.diedAt,
  };
}
