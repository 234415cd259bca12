import { setTimeout as sleep } from "node:timers/promises";

import type { LetterSearch } from "@understudy/dead-letters";
import type { Place, RunFields, RunRecords } from "@understudy/queue";

import { invalid, readPlace, writePlace } from "./check.ts";
import type { Actor } from "./roles.ts";
import type { BulkAction, Run, RunState, Selection } from "./views.ts";

/** What a run was told, and how far it is. */
interface Progress {
  readonly seen: number;
  readonly done: number;
  readonly left: Readonly<Record<string, number>>;
  /** Of a filter: the last letter that was looked at. */
  readonly place?: Place;
}

export interface NewRun {
  readonly action: BulkAction;
  readonly selection: Selection;
  readonly perSecond: number;
  readonly provider?: string | undefined;
  readonly by: Actor;
  readonly reason: string;
  readonly total: number;
  readonly now: number;
}

/** A run as its record has it. */
export interface StoredRun extends Run {
  /** How often somebody began to drive it. */
  readonly drives: number;
  readonly place: Place | undefined;
}

/** Answers that mean that it was done. */
const doneAnswers: ReadonlySet<string> = new Set(["redriven", "asked", "released", "discarded"]);
const TICK_MS = 100;
const MAX_AT_ONCE = 200;

export async function createRun(records: RunRecords, run: NewRun): Promise<string> {
  const id = `${new Date(run.now).toISOString().slice(0, 10)}-${crypto.randomUUID().slice(0, 8)}`;
  const { total, now, ...told } = run;
  await records.create(id, now, {
    told: JSON.stringify(told),
    state: "running",
    startedAt: String(now),
    total: String(total),
    ...written({ seen: 0, done: 0, left: {} }),
  });
  return id;
}

export async function readRun(records: RunRecords, id: string): Promise<StoredRun | undefined> {
  const record = await records.read(id);
  if (record === undefined) return undefined;
  const { fields, isDriven } = record;
  const { by, ...told } = JSON.parse(fields["told"] ?? "{}") as Omit<NewRun, "total" | "now">;
  const state = fields["state"] as RunState;
  const place = readPlace(fields["place"]);
  return {
    id,
    action: told.action,
    selection: told.selection,
    perSecond: told.perSecond,
    ...(told.provider === undefined ? {} : { provider: told.provider }),
    by: by.name,
    role: by.role,
    reason: told.reason,
    state,
    isOrphan: state === "running" && !isDriven,
    startedAt: Number(fields["startedAt"]),
    ...(fields["endedAt"] === undefined ? {} : { endedAt: Number(fields["endedAt"]) }),
    total: Number(fields["total"]),
    seen: Number(fields["seen"]),
    done: Number(fields["done"]),
    left: JSON.parse(fields["left"] ?? "{}") as Run["left"],
    drives: Number(fields["drives"] ?? 0),
    place,
  };
}

function written({ seen, done, left, place }: Progress): RunFields {
  return {
    seen: String(seen),
    done: String(done),
    left: JSON.stringify(left),
    ...(place === undefined ? {} : { place: writePlace(place) }),
  };
}

interface Driving {
  readonly records: RunRecords;
  readonly search: LetterSearch;
  /** Does it to one letter. @returns its answer, such as "redriven" or "held" */
  readonly act: (id: string, run: Run) => Promise<string>;
  /** Told of the next ones before anything is done to them; when it fails, nothing is. */
  readonly announce: (ids: readonly string[]) => Promise<void>;
  readonly signal: AbortSignal;
  /** Whether one that was stopped is to go on. */
  readonly isResumed: boolean;
  readonly onProgress: (run: Run) => void;
  readonly now: () => number;
}

/** Does a run's work until it is done, is stopped, or the signal aborts. One process at a time. */
export async function driveRun(id: string, driving: Driving): Promise<void> {
  const { records, now } = driving;
  const token = crypto.randomUUID();
  if (!(await records.acquire(id, token)))
    throw invalid(`Another process is driving the run ${id}: watch it, or stop it first.`);
  try {
    const run = await readRun(records, id);
    if (run === undefined) throw invalid(`There is no run ${id}.`);
    // Somebody may have stopped it before it was begun.
    if (run.state !== "running" && !driving.isResumed) return;
    const again = driving.isResumed ? { state: "running" } : {};
    await records.set(id, { ...again, drives: String(run.drives + 1) });
    const state = await work(run, token, driving);
    if (state !== undefined) await records.progress(id, token, { state, endedAt: String(now()) });
  } finally {
    await records.yield(id, token);
  }
}

/** @returns the state to end in; undefined when somebody else has written it, or drives it now */
async function work(run: StoredRun, token: string, driving: Driving): Promise<RunState | undefined> {
  const { records, signal, onProgress } = driving;
  let progress: Progress = await caughtUp(run, driving);
  const startedAt = performance.now();
  const begun = progress.seen;
  while (!signal.aborted) {
    const due =
      Math.floor(((performance.now() - startedAt) * run.perSecond) / 1000) + 1 - (progress.seen - begun);
    const next = due <= 0 ? undefined : await nextIds(run, progress, Math.min(due, MAX_AT_ONCE), driving);
    if (next !== undefined) progress = await done(run, progress, next, driving);
    const state = await records.progress(run.id, token, written(progress));
    if (state === undefined || state !== "running") return undefined;
    onProgress({ ...run, ...progress, state: next?.isLast === true ? "done" : "running" });
    if (next?.isLast === true) return "done";
    if (due < MAX_AT_ONCE) await sleep(TICK_MS, undefined, { signal }).catch(() => undefined);
  }
  return "stopped";
}

interface Next {
  readonly ids: readonly string[];
  readonly place?: Place;
  readonly isLast: boolean;
}

async function nextIds(
  { selection, startedAt }: Run,
  { seen, place }: Progress,
  limit: number,
  { search }: Driving,
): Promise<Next> {
  if ("ids" in selection) {
    const ids = selection.ids.slice(seen, seen + limit);
    return { ids, isLast: seen + ids.length >= selection.ids.length };
  }
  // What died since is none of this run's: else what it redrove, and has died again, would go round and round.
  const filter = { ...selection.filter, to: Math.min(selection.filter.to ?? Infinity, startedAt) };
  const page = await search.page(filter, { order: "oldest", after: place, limit, maxRead: 2000 });
  return {
    ids: page.found.map(({ entry }) => entry.id),
    ...(page.next === undefined ? {} : { place: page.next }),
    isLast: page.next === undefined,
  };
}

async function done(run: Run, progress: Progress, next: Next, { act, announce }: Driving): Promise<Progress> {
  await announce(next.ids);
  const answers = await Promise.all(next.ids.map((id) => act(id, run)));
  const left: Record<string, number> = { ...progress.left };
  for (const answer of answers) if (!doneAnswers.has(answer)) left[answer] = (left[answer] ?? 0) + 1;
  return {
    seen: progress.seen + answers.length,
    done: progress.done + answers.filter((answer) => doneAnswers.has(answer)).length,
    left,
    ...(next.place === undefined ? {} : { place: next.place }),
  };
}

/**
 * Whoever drove it last may have died after doing something and before writing it down. Letters that are neither counted nor
 * there any more were done.
 */
async function caughtUp(run: StoredRun, { search }: Driving): Promise<Progress> {
  const { seen, done: wasDone, left, place, selection, total, startedAt } = run;
  const progress = { seen, done: wasDone, left, ...(place === undefined ? {} : { place }) };
  if (run.drives === 0 || "ids" in selection || selection.filter.text !== undefined) return progress;
  const to = Math.min(selection.filter.to ?? Infinity, startedAt);
  const there = await search.count({ ...selection.filter, to });
  const uncounted = Math.max(0, total - there - (left["gone"] ?? 0) - wasDone);
  return { ...progress, seen: seen + uncounted, done: wasDone + uncounted };
}
