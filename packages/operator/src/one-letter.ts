import { isDeepStrictEqual } from "node:util";

import { type AnyJob, copiesAllowed, problemWith, redact, sensitiveTexts } from "@understudy/core";
import {
  type By,
  type DeadLetterStore,
  type DiscardAnswer,
  type EditAnswer,
  type LookUpAnswer,
  openDeadLetters,
  payloadOf,
  type ReadLetter,
  type RedriveAnswer,
  type Refusal,
  type ReleaseAnswer,
} from "@understudy/dead-letters";
import { type Family, knownFamilies, locate, type Redis, versionOf } from "@understudy/queue";

import { invalid } from "./check.ts";
import type { Context } from "./context.ts";
import type { Who } from "./face.ts";
import { findLetter } from "./find-letter.ts";
import { isMoney } from "./letter-view.ts";
import { type Knowledge, prospectOf } from "./prospect.ts";
import { type Action, may } from "./roles.ts";
import { unveiled } from "./unveil.ts";

const DAY = 86_400_000;

/** Which death of a letter it is about; without, whichever stands there. */
export interface Seen {
  /** `version` of the letter as whoever asks was shown it. */
  readonly seen?: string | undefined;
  /** The bulk action that it is part of, and when that began: it does nothing twice, and nothing to what died since. */
  readonly run?: { readonly id: string; readonly startedAt: number } | undefined;
}

/** What is done to one letter. Whether they may is asked of the very letter that it is done to. */
export function createDeeds(context: Context) {
  const on = <Answer extends string>(
    deed: Deed,
    done: Answer,
    act: (letter: Letter) => Promise<Answer>,
  ): Promise<Answer | "gone"> => withLetter(context, deed, done, act);
  return {
    redrive: (
      id: string,
      who: Who,
      know: Knowledge,
      how: Seen & { readonly provider?: string | undefined } = {},
    ) =>
      on<RedriveAnswer>({ action: "redrive", id, who, how }, "redriven", ({ store, job, by, refuses }) =>
        store.redrive(id, {
          ...by,
          refuses,
          provider: how.provider,
          forbidsDuplicates: job === undefined || job.capability.duplicates === "forbidden",
          ...(job === undefined ? {} : { maxPossibleCopies: copiesAllowed(job) }),
          objection: (letter) => objectionTo(letter, know, how.provider, by.now),
        }),
      ),
    lookUp: (id: string, who: Who, how: Seen = {}) =>
      on<LookUpAnswer>({ action: "look-up", id, who, how }, "asked", ({ store, by, refuses }) =>
        store.lookUp(id, { ...by, refuses }),
      ),
    release: (id: string, who: Who, how: Seen = {}) =>
      on<ReleaseAnswer>({ action: "release", id, who, how }, "released", ({ store, by, refuses }) =>
        store.release(id, { ...by, refuses }),
      ),
    edit: (id: string, payload: unknown, who: Who, how: Seen & { readonly shown?: unknown } = {}) =>
      on<EditAnswer>({ action: "edit", id, who, how }, "edited", async (letter) => {
        const isAsShown = how.shown !== undefined || how.seen !== undefined;
        for (;;) {
          const answer = await editOnce(id, payload, how.shown, letter);
          if (answer !== "changed" || isAsShown) return answer;
        }
      }),
    discard: (id: string, who: Who, how: Seen = {}) =>
      on<DiscardAnswer>({ action: "discard", id, who, how }, "discarded", ({ store, job, refuses }) =>
        store.discard(id, { refuses, absorbMs: job?.keepCompletedMs ?? DAY, counter: "discarded" }),
      ),
  };
}

export type Deeds = ReturnType<typeof createDeeds>;

async function editOnce(
  id: string,
  payload: unknown,
  shown: unknown,
  { store, job, by, refuses }: Letter,
): Promise<EditAnswer> {
  const stored = await store.read(id);
  if (typeof stored === "string") return stored;
  const refusal = refuses(stored);
  if (refusal !== undefined) return refusal;
  if (job === undefined)
    throw invalid(
      `${id} is a ${stored.letter.job}, a job that this program does not know: it cannot tell what its payload must be.`,
    );
  const sensitive = job.sensitive ?? [];
  const before = payloadOf(stored).payload;
  const visible = redact(before, sensitive);
  if (shown !== undefined && !isDeepStrictEqual(wireForm(shown), visible)) return "changed";
  const after = unveiled(wireForm(payload), visible, before);
  const problem = problemWith(job, after);
  if (problem !== undefined) throw invalid(`The new payload of ${id} is wrong: ${problem}`);
  const paths = changed(before, after);
  if (paths.length === 0) throw invalid(`The new payload of ${id} is the one it has.`);
  const forbidsDuplicates = job.capability.duplicates === "forbidden";
  const secrets = sensitiveTexts(before, sensitive);
  return await store.edit(stored, { ...by, payload: after, paths, forbidsDuplicates, secrets });
}

interface Deed {
  readonly action: Action;
  readonly id: string;
  readonly who: Who;
  readonly how: Seen;
}

interface Letter {
  readonly store: DeadLetterStore;
  readonly job: AnyJob | undefined;
  readonly by: By;
  readonly refuses: (letter: ReadLetter) => Refusal | undefined;
}

/**
 * With the store that holds the letter; "gone" when none does.
 * @param done what is answered when an earlier try, whose answer was lost, has done it already
 */
async function withLetter<Answer extends string>(
  context: Context,
  deed: Deed,
  done: Answer,
  act: (letter: Letter) => Promise<Answer>,
): Promise<Answer | "gone"> {
  const { action, id, who, how } = deed;
  const by = { by: who.by.name, reason: who.reason, now: context.now(), run: how.run?.id };
  // Whether a try before has begun to do it, and it may be done.
  let isBegun = false;
  return await context.ask(async (redis) => {
    for (const family of await knownFamilies(redis, context.namespace)) {
      const store = openDeadLetters(redis, family);
      const place = await placeOf(redis, family, store, id);
      if (place !== "dead" && place !== "absent" && isBegun) return done;
      if (place !== "dead") continue;
      const stored = await store.read(id);
      if (isBegun && typeof stored !== "string" && isDoneBy(stored, by)) return done;
      const job = typeof stored === "string" ? undefined : context.jobs.get(stored.letter.job);
      const refuses = (letter: ReadLetter): Refusal | undefined =>
        refusalOf(context, letter, action, who, how);
      isBegun = true;
      return await act({ store, job, by, refuses });
    }
    return isBegun && action === "discard" ? done : "gone";
  });
}

/** Every deed but a discard leaves its mark in the job's past. */
function isDoneBy(stored: ReadLetter, { by, reason, now }: By): boolean {
  const past = payloadOf(stored).envelope?.past ?? [];
  return past.some((one) => one.by === by && one.reason === reason && one.at === now);
}

function refusalOf(
  context: Context,
  stored: ReadLetter,
  action: Action,
  { by }: Who,
  { seen, run }: Seen,
): Refusal | undefined {
  const money = isMoney(stored.letter.job, { jobs: context.jobs });
  if (!may(by.role, action, money)) return "not_permitted";
  if (seen !== undefined && versionOf(stored.job) !== seen) return "changed";
  if (run === undefined) return undefined;
  const past = payloadOf(stored).envelope?.past ?? [];
  const isDone = past.some((one) => one.run === run.id);
  return isDone || stored.letter.diedAt > run.startedAt ? "changed" : undefined;
}

/** A job that has failed and that nobody has moved yet is made the dead letter that it is. */
async function placeOf(redis: Redis, family: Family, store: DeadLetterStore, id: string): Promise<string> {
  const { place } = await locate(redis, family, id);
  if (place !== "failed") return place;
  await store.take(id);
  return (await locate(redis, family, id)).place;
}

function objectionTo(letter: ReadLetter, know: Knowledge, provider: string | undefined, now: number) {
  const { fate } = prospectOf(letter, know, { provider, now });
  return fate === "invalid" || fate === "unserved" || fate === "unknown_job" ? fate : undefined;
}

/** The payload of a letter as it is, what is sensitive included; undefined when it is not there or not readable. */
export async function readPayload(
  context: Context,
  id: string,
): Promise<{ readonly payload: unknown } | undefined> {
  return await context.ask(async (redis) => {
    const found = await findLetter(redis, context.namespace, id);
    const opened = found?.stored && payloadOf(found.stored);
    return opened?.envelope === undefined ? undefined : { payload: opened.payload };
  });
}

/** What JSON makes of it, as it will be stored. */
function wireForm(payload: unknown): unknown {
  const text = JSON.stringify(payload);
  if (text === undefined) throw invalid("The new payload must be JSON.");
  return JSON.parse(text);
}

/** The paths at which two JSON values differ. */
function changed(before: unknown, after: unknown, path = ""): readonly string[] {
  if (JSON.stringify(before) === JSON.stringify(after)) return [];
  if (!isPlain(before) || !isPlain(after)) return [path === "" ? "(whole)" : path];
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return names.flatMap((name) => changed(before[name], after[name], path === "" ? name : `${path}.${name}`));
}

function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whose rules hold for a job, wherever it is: those for money when nobody knows better. */
export async function isMoneyLetter(context: Context, id: string): Promise<boolean> {
  return await context.ask(async (redis) => {
    for (const family of await knownFamilies(redis, context.namespace)) {
      const { place, name = "" } = await locate(redis, family, id);
      if (place !== "absent") return isMoney(name, { jobs: context.jobs });
    }
    return false;
  });
}
