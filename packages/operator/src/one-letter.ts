import { isDeepStrictEqual } from "node:util";

import { type AnyJob, copiesAllowed, problemWith, redact } from "@understudy/core";
import {
  type DeadLetterStore,
  type DiscardAnswer,
  type EditAnswer,
  type LookUpAnswer,
  openDeadLetters,
  payloadOf,
  type ReadLetter,
  type RedriveAnswer,
  type ReleaseAnswer,
} from "@understudy/dead-letters";
import { type Family, knownFamilies, locate, type Redis } from "@understudy/queue";

import { invalid } from "./check.ts";
import type { Context } from "./context.ts";
import type { Who } from "./face.ts";
import { findLetter } from "./find-letter.ts";
import { isMoney } from "./letter-view.ts";
import { type Knowledge, prospectOf } from "./prospect.ts";
import { unveiled } from "./unveil.ts";

const DAY = 86_400_000;

/** What is done to one letter, by whom it may be done already checked. */
export function createDeeds(context: Context) {
  return {
    redrive: (id: string, who: Who, know: Knowledge, provider?: string): Promise<RedriveAnswer> =>
      withLetter(context, id, "redriven", ({ store, job, now }) =>
        store.redrive(id, {
          ...by(who, now),
          provider,
          forbidsDuplicates: job === undefined || job.capability.duplicates === "forbidden",
          ...(job === undefined ? {} : { maxPossibleCopies: copiesAllowed(job) }),
          objection: (letter) => objectionTo(letter, know, provider, now),
        }),
      ),
    lookUp: (id: string, who: Who): Promise<LookUpAnswer> =>
      withLetter(context, id, "asked", ({ store, now }) => store.lookUp(id, by(who, now))),
    release: (id: string, who: Who): Promise<ReleaseAnswer> =>
      withLetter(context, id, "released", ({ store, now }) => store.release(id, by(who, now))),
    /** @param shown the payload as whoever edits it was shown it; then nobody else's edit is overwritten */
    edit: (id: string, payload: unknown, who: Who, shown?: unknown): Promise<EditAnswer> =>
      withLetter(context, id, "edited", async (letter) => {
        for (;;) {
          const answer = await editOnce(id, payload, who, shown, letter);
          if (answer !== "changed" || shown !== undefined) return answer;
        }
      }),
    discard: (id: string): Promise<DiscardAnswer> =>
      withLetter(context, id, "discarded", ({ store, job }) =>
        store.discard(id, { absorbMs: job?.keepCompletedMs ?? DAY, counter: "discarded" }),
      ),
  };
}

export type Deeds = ReturnType<typeof createDeeds>;

async function editOnce(
  id: string,
  payload: unknown,
  who: Who,
  shown: unknown,
  { store, job, now }: Letter,
): Promise<EditAnswer> {
  const stored = await store.read(id);
  if (typeof stored === "string") return stored;
  if (job === undefined)
    throw invalid(
      `${id} is a ${stored.letter.job}, a job that this program does not know: it cannot tell what its payload must be.`,
    );
  const before = payloadOf(stored).payload;
  const visible = redact(before, job.sensitive ?? []);
  if (shown !== undefined && !isDeepStrictEqual(wireForm(shown), visible)) return "changed";
  const after = unveiled(wireForm(payload), visible, before);
  const problem = problemWith(job, after);
  if (problem !== undefined) throw invalid(`The new payload of ${id} is wrong: ${problem}`);
  const paths = changed(before, after);
  if (paths.length === 0) throw invalid(`The new payload of ${id} is the one it has.`);
  const forbidsDuplicates = job.capability.duplicates === "forbidden";
  return await store.edit(stored, { ...by(who, now), payload: after, paths, forbidsDuplicates });
}

interface Letter {
  readonly store: DeadLetterStore;
  readonly job: AnyJob | undefined;
  readonly now: number;
}

/**
 * With the store that holds the letter; "gone" when none does.
 * @param done what is answered when an earlier try, whose answer was lost, has put the job back already
 */
async function withLetter<Answer extends string>(
  context: Context,
  id: string,
  done: Answer,
  act: (letter: Letter) => Promise<Answer>,
): Promise<Answer | "gone"> {
  let tries = 0;
  let version: string | undefined;
  return await context.ask(async (redis) => {
    tries += 1;
    for (const family of await knownFamilies(redis, context.namespace)) {
      const store = openDeadLetters(redis, family);
      const place = await placeOf(redis, family, store, id);
      if (place !== "dead" && place !== "absent" && tries > 1) return done;
      if (place !== "dead") continue;
      const stored = await store.read(id);
      // It was put back or written anew by the try before, whose answer was lost.
      const seen = typeof stored === "string" ? "" : `${stored.job.finishedOn} ${stored.job.revision}`;
      if (version !== undefined && seen !== version) return done;
      version = seen;
      const job = typeof stored === "string" ? undefined : context.jobs.get(stored.letter.job);
      return await act({ store, job, now: context.now() });
    }
    return "gone";
  });
}

/** A job that has failed and that nobody has moved yet is made the dead letter that it is. */
async function placeOf(redis: Redis, family: Family, store: DeadLetterStore, id: string): Promise<string> {
  const { place } = await locate(redis, family, id);
  if (place !== "failed") return place;
  await store.take(id);
  return (await locate(redis, family, id)).place;
}

function by({ by: { name }, reason }: Who, now: number) {
  return { by: name, reason, now };
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

/** Whose rules hold for one letter: those for money when nobody knows better. */
export async function isMoneyLetter(context: Context, id: string): Promise<boolean> {
  return await context.ask(async (redis) => {
    for (const family of await knownFamilies(redis, context.namespace)) {
      const { place, name = "" } = await locate(redis, family, id);
      if (place === "dead" || place === "failed")
        return isMoney(name, { jobs: context.jobs, providers: context.providers, routes: new Map() });
    }
    return false;
  });
}
