import {
  countFailed,
  type FailedJob,
  failedIds,
  type Family,
  forgetGhost,
  nextEntries,
  type Place,
  readGroups,
  readLetters,
  readTotals,
  type Redis,
  removeDead,
  returnStray,
  strayLetters,
  tally,
  writeBytes,
} from "@understudy/queue";

import { type DeadLetter, readLetter } from "./dead-letter.ts";
import { openDeadLetters } from "./store.ts";

/** How much of a family's dead letters is kept; what is not given knows no bound. */
export interface Retention {
  readonly maxAgeMs?: number;
  readonly maxLetters?: number;
  readonly maxBytes?: number;
}

/** How many letters were deleted, and for which bound. */
export interface Pruned {
  readonly age: number;
  readonly letters: number;
  readonly bytes: number;
  /** Past a bound, and kept all the same. */
  readonly kept: number;
}

interface Pruning extends Retention {
  readonly now: number;
  /** Whether a letter stays whatever the bounds are: nobody has settled yet whether its effect has happened. */
  readonly isKept: (letter: DeadLetter) => boolean;
  /** How long a repeated enqueue of its job is still absorbed. */
  readonly absorbMs: (letter: DeadLetter) => number;
}

const PAGE = 200;

/** Deletes the oldest dead letters beyond the bounds. */
export async function pruneLetters(redis: Redis, family: Family, pruning: Pruning): Promise<Pruned> {
  const { maxAgeMs = Infinity, maxLetters = Infinity, maxBytes = Infinity, now } = pruning;
  const pruned = { age: 0, letters: 0, bytes: 0, kept: 0 };
  if (maxAgeMs === Infinity && maxLetters === Infinity && maxBytes === Infinity) return pruned;
  let letters = await countFailed(redis, family, "dead");
  let bytes = (await readTotals(redis, family))["bytes"] ?? 0;
  const bound = (diedAt: number): "age" | "letters" | "bytes" | undefined => {
    if (diedAt < now - maxAgeMs) return "age";
    if (letters > maxLetters) return "letters";
    return bytes > maxBytes ? "bytes" : undefined;
  };
  for (let after: Place | undefined; ;) {
    const entries = await nextEntries(redis, [{ family }], { span: {}, order: "oldest", after, limit: PAGE });
    for (const job of await readLetters(redis, entries)) {
      const why = bound(Number(job.finishedOn));
      if (why === undefined) return pruned;
      const letter = readLetter(job.data)?.letter;
      // What nobody can read may be money, or a newer release's.
      if (letter === undefined || pruning.isKept(letter)) {
        pruned.kept += 1;
        continue;
      }
      // The very letter that was looked at, and no other that may stand there by now.
      const removal = { letter: job, absorbMs: pruning.absorbMs(letter), counter: "expired" } as const;
      if ((await removeDead(redis, family, removal)) !== "removed") continue;
      pruned[why] += 1;
      letters -= 1;
      bytes -= job.bytes;
    }
    if (entries.length < PAGE) return pruned;
    after = entries.at(-1);
  }
}

/** Whether the index has as many letters as there are. */
export async function isIndexWhole(redis: Redis, family: Family): Promise<boolean> {
  const groups = [...(await readGroups(redis, family)).keys()].map((group) => ({ family, group }));
  const [counts, letters] = await Promise.all([tally(redis, groups, {}), countFailed(redis, family, "dead")]);
  return counts.reduce((sum, { count }) => sum + count, 0) === letters;
}

/**
 * Looks through all letters and the whole index, and mends what an earlier release or a foreign tool has left. Slow with very
 * many, and harmless beside everything else.
 * @returns how many places were mended
 */
export async function mendIndex(redis: Redis, family: Family): Promise<number> {
  return (await forgetGhosts(redis, family)) + (await indexMissing(redis, family));
}

async function forgetGhosts(redis: Redis, family: Family): Promise<number> {
  let forgotten = 0;
  for (const group of (await readGroups(redis, family)).keys()) {
    for (let after: Place | undefined; ;) {
      const entries = await nextEntries(redis, [{ family, group }], {
        span: {},
        order: "oldest",
        after,
        limit: PAGE,
      });
      const there = new Map((await readLetters(redis, entries)).map((job) => [job.id, job.group]));
      // One that is a letter of another group was found here by its old entry.
      const ghosts = entries.filter(({ id }) => there.get(id) !== group);
      const answers = await Promise.all(ghosts.map(({ id }) => forgetGhost(redis, family, id, group)));
      forgotten += answers.filter(Boolean).length;
      if (entries.length < PAGE) break;
      after = entries.at(-1);
    }
  }
  return forgotten;
}

async function indexMissing(redis: Redis, family: Family): Promise<number> {
  const store = openDeadLetters(redis, family);
  let bytes = 0;
  let indexed = 0;
  for (let offset = 0; ; offset += PAGE) {
    const ids = await failedIds(redis, family, "dead", { offset, limit: PAGE });
    const jobs = await readLetters(
      redis,
      ids.map((id) => ({ family, id })),
    );
    const missing = await missingOf(redis, jobs);
    const answers = await Promise.all(missing.map(({ id }) => store.reindex(id)));
    indexed += answers.filter(Boolean).length;
    bytes += jobs.reduce((sum, job) => sum + job.bytes, 0);
    if (ids.length < PAGE) break;
  }
  if (indexed === 0) await writeBytes(redis, family, bytes);
  return indexed;
}

async function missingOf(
  redis: Redis,
  jobs: readonly (FailedJob & { readonly family: Family })[],
): Promise<readonly FailedJob[]> {
  const isThere = await Promise.all(
    jobs.map(async ({ family, group, id, finishedOn }) => {
      if (group === "") return false;
      const at = Number(finishedOn);
      const entries = await nextEntries(redis, [{ family, group }], {
        span: { from: at, to: at },
        order: "oldest",
        limit: PAGE,
      });
      return entries.some((entry) => entry.id === id) || entries.length === PAGE;
    }),
  );
  return jobs.filter((_, i) => isThere[i] === false);
}

/** Puts back letters that a tool which knows nothing of them has "retried" into a queue that no worker serves. */
export async function returnStrays(redis: Redis, family: Family): Promise<number> {
  const strays = await strayLetters(redis, family);
  const answers = await Promise.all(
    strays.map(({ id, data }) => {
      const letter = readLetter(data)?.letter;
      const { diedAt = Date.now(), reason = "it was retried in the dead-letter queue" } = letter ?? {};
      return returnStray(redis, family, { id, diedAt, reason });
    }),
  );
  return answers.filter(Boolean).length;
}
