import { openEnvelope, redact, without, sensitiveTexts } from "@understudy/core";
import {
  type Entry,
  type Family,
  nextEntries,
  type Place,
  readDatas,
  readGroups,
  readLetters,
  type Redis,
  type Span,
  tally,
  type Within,
} from "@understudy/queue";

import { readLetter } from "./dead-letter.ts";
import { readFacets } from "./facets.ts";
import { type Facets, type LetterFilter, matches } from "./filter.ts";
import type { ReadLetter, StoredLetter } from "./store.ts";

/** Which of a job's payload paths must not be searched; undefined for a job that is not known: none of it may be. */
export type SensitivePaths = (job: string) => readonly string[] | undefined;

/** A letter that was found, and whose it is; undefined `letter` when its data cannot be read. */
export interface Found {
  readonly entry: Entry;
  readonly stored: ReadLetter | undefined;
}

export interface FoundPage {
  readonly found: readonly Found[];
  /** Where the next page begins; undefined at the end. */
  readonly next: Place | undefined;
  /** How many letters were read for it. */
  readonly read: number;
}

export interface FoundGroup {
  readonly family: Family;
  readonly group: string;
  readonly facets: Facets;
  readonly count: number;
  readonly oldestAt: number;
  readonly newestAt: number;
}

/** Finds dead letters of any number of families. */
export interface LetterSearch {
  /** Those groups that have letters in the filter's time; the text is not looked at. */
  groups(filter: LetterFilter): Promise<readonly FoundGroup[]>;
  /** How many match, but for the text. */
  count(filter: LetterFilter): Promise<number>;
  /**
   * A page of them. With a text no more than `maxRead` are read for it, so it may hold fewer than `limit` though there are more.
   */
  page(
    filter: LetterFilter,
    how: {
      readonly order: "oldest" | "newest";
      readonly after?: Place | undefined;
      readonly limit: number;
      readonly maxRead?: number;
    },
  ): Promise<FoundPage>;
  /** All that match, but for the text, some at a time and in no order: quicker than page after page. */
  all(filter: LetterFilter): AsyncIterable<readonly Read[]>;
}

/** A letter as it is read when very many are; undefined `stored` when its data cannot be. */
export interface Read {
  readonly id: string;
  readonly stored: StoredLetter | undefined;
}

const READ_AT_ONCE = 500;
const ALL_AT_ONCE = 1000;

export function searchLetters(
  redis: Redis,
  families: readonly Family[],
  sensitive: SensitivePaths,
): LetterSearch {
  const groupsOf = async (
    filter: LetterFilter,
  ): Promise<readonly (Within & { group: string; facets: Facets })[]> => {
    const wanted = families.filter(({ name }) => filter.queue?.includes(name) ?? true);
    const all = await Promise.all(
      wanted.map(async (family) =>
        [...(await readGroups(redis, family))].map(([group, facets]) => ({
          family,
          group,
          facets: readFacets(facets),
        })),
      ),
    );
    return all.flat().filter(({ family, group, facets }) => matches(filter, family.name, group, facets));
  };

  const where = async (filter: LetterFilter): Promise<readonly Within[]> =>
    asksForGroups(filter)
      ? await groupsOf(filter)
      : families.filter(({ name }) => filter.queue?.includes(name) ?? true).map((family) => ({ family }));

  return {
    async groups(filter) {
      const groups = await groupsOf(filter);
      const counts = await tally(redis, groups, spanOf(filter));
      return groups.flatMap((group, i) => {
        const count = counts[i];
        return count === undefined || count.count === 0 ? [] : [{ ...group, ...count }];
      });
    },
    async count(filter) {
      const counts = await tally(redis, await where(filter), spanOf(filter));
      return counts.reduce((sum, { count }) => sum + count, 0);
    },
    async page(filter, { order, after, limit, maxRead = Infinity }) {
      const all = await where(filter);
      const found: Found[] = [];
      let read = 0;
      for (let place = after; ;) {
        const size = filter.text === undefined ? limit - found.length : READ_AT_ONCE;
        const entries = await nextEntries(redis, all, {
          span: spanOf(filter),
          order,
          after: place,
          limit: size,
        });
        for (const one of await readAll(redis, entries)) {
          read += 1;
          if (filter.text === undefined || holds(one, filter.text, sensitive)) found.push(one);
          place = one.entry;
          if (found.length === limit) return { found, next: place, read };
        }
        if (entries.length < size) return { found, next: undefined, read };
        place = entries.at(-1);
        if (read >= maxRead) return { found, next: place, read };
      }
    },
    async *all(filter) {
      for (const one of await where(filter)) yield* allWithin(redis, one, spanOf(filter));
    },
  };
}

interface Batch {
  readonly entries: readonly Entry[];
  readonly datas: readonly (string | undefined)[];
}

async function* allWithin(redis: Redis, one: Within, span: Span): AsyncGenerator<readonly Read[]> {
  const read = async (after: Place | undefined): Promise<Batch> => {
    const entries = await nextEntries(redis, [one], { span, order: "oldest", after, limit: ALL_AT_ONCE });
    return { entries, datas: await readDatas(redis, entries) };
  };
  // Redis reads the next ones while these are looked at.
  for (let coming: Promise<Batch> | undefined = read(undefined); coming !== undefined;) {
    const { entries, datas }: Batch = await coming;
    coming = entries.length < ALL_AT_ONCE ? undefined : read(entries.at(-1));
    // Whoever stops listening in between is told of no trouble.
    coming?.catch(() => undefined);
    yield entries.flatMap(({ id }, i) => {
      const data = datas[i];
      const stored = data === undefined ? undefined : readLetter(data);
      return data === undefined ? [] : [{ id, stored: stored && { id, ...stored } }];
    });
  }
}

function spanOf({ from, to }: LetterFilter): Span {
  return { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
}

/** Whether it asks for anything that only groups know; without, they need not be looked at. */
function asksForGroups({ queue: _, from: __, to: ___, text: ____, ...rest }: LetterFilter): boolean {
  return Object.values(rest).some((value) => value !== undefined);
}

async function readAll(redis: Redis, entries: readonly Entry[]): Promise<readonly Found[]> {
  const jobs = new Map((await readLetters(redis, entries)).map((job) => [job.id, job]));
  // One that is gone was redriven or discarded this moment.
  return entries.flatMap((entry) => {
    const job = jobs.get(entry.id);
    if (job === undefined) return [];
    const stored = readLetter(job.data);
    return [{ entry, stored: stored && { id: entry.id, job, ...stored } }];
  });
}

function holds({ entry, stored }: Found, text: string, sensitive: SensitivePaths): boolean {
  const wanted = text.toLowerCase();
  const has = (words: string): boolean => words.toLowerCase().includes(wanted);
  if (has(entry.id)) return true;
  if (stored === undefined) return false;
  const { payload } = payloadOf(stored);
  const paths = sensitive(stored.letter.job);
  if (paths === undefined) return false;
  const secrets = sensitiveTexts(payload, paths);
  return has(without(stored.letter.reason, secrets)) || textsIn(redact(payload, paths)).some(has);
}

/** The payload as it was enqueued, and its envelope where the data is one. */
export function payloadOf({ payload: data }: ReadLetter): ReturnType<typeof openedOf> {
  return openedOf(data);
}

function openedOf(data: unknown) {
  const opened = openEnvelope(data);
  return opened.at === "open"
    ? { payload: opened.envelope.payload, envelope: opened.envelope }
    : { payload: data, envelope: undefined };
}

function textsIn(data: unknown): readonly string[] {
  if (typeof data === "string" || typeof data === "number") return [String(data)];
  if (typeof data !== "object" || data === null) return [];
  return Object.values(data).flatMap(textsIn);
}
