import { createHash } from "node:crypto";

import { UnderstudyError } from "@understudy/core";
import type { LetterFilter, LetterSearch } from "@understudy/dead-letters";
import type { Family, Place } from "@understudy/queue";

import { acting } from "./acting.ts";
import { checkRate, checkSelection, checkWho, invalid } from "./check.ts";
import { auditOf, type Context, familiesOf, knowledgeOf, runsOf, searchOf } from "./context.ts";
import type { Operator, RunOptions, Who } from "./face.ts";
import { findLetter } from "./find-letter.ts";
import { summaryOf } from "./letter-view.ts";
import type { Deeds } from "./one-letter.ts";
import { createPlanner } from "./plan.ts";
import type { Knowledge } from "./prospect.ts";
import { mayResume } from "./roles.ts";
import { createRun, driveRun, readRun, type StoredRun } from "./runs.ts";
import type { Plan, PlanOptions, Run, Selection } from "./views.ts";

const PER_SECOND = 10;
const PLANNED_AT_ONCE = 1000;
const LISTED = 100;

type Bulk = Pick<Operator, "plan" | "start" | "drive" | "stop" | "run" | "runs"> & {
  readonly reasonOf: (
    search: LetterSearch,
    filter: LetterFilter,
    group: string,
    know: Knowledge,
  ) => Promise<string>;
};

/** What is done to many letters at once. */
export function createBulk(context: Context, deeds: Deeds): Bulk {
  const records = runsOf(context);
  const audit = auditOf(context);

  const there = async (id: string): Promise<StoredRun> => {
    const run = await readRun(records, id);
    if (run === undefined)
      throw invalid(`There is no run ${id}: \`understudy runs ls\` lists those of the last 30 days.`);
    return run;
  };

  const plan = async (selection: Selection, options: PlanOptions = {}): Promise<Plan> => {
    const families = await familiesOf(context);
    checkSelection(
      selection,
      families.map(({ name }) => name),
    );
    const perSecond = checkRate(options.perSecond ?? PER_SECOND);
    const know = await knowledgeOf(context);
    const now = context.now();
    const planner = createPlanner({ know, provider: options.provider, perSecond, now });
    if ("ids" in selection) await planIds(context, selection.ids, planner);
    else
      await planFilter(
        searchOf(context, families),
        { ...selection.filter, to: Math.min(selection.filter.to ?? Infinity, now) },
        planner,
      );
    return planner.finish();
  };

  /** How many there are, without looking at each: a text must be looked for in all. */
  const countOf = async (selection: Selection, families: readonly Family[], now: number): Promise<number> => {
    if ("ids" in selection) return selection.ids.length;
    const { filter } = selection;
    if (filter.text === undefined)
      return await searchOf(context, families).count({ ...filter, to: Math.min(filter.to ?? Infinity, now) });
    return (await plan(selection)).total;
  };

  const start = async (
    { action, selection, provider, expected, ...how }: RunOptions,
    who: Who,
  ): Promise<Run> => {
    const families = await familiesOf(context);
    checkSelection(
      selection,
      families.map(({ name }) => name),
    );
    const perSecond = checkRate(how.perSecond ?? PER_SECOND);
    const now = context.now();
    const total = await countOf(selection, families, now);
    if (expected !== undefined && expected !== total)
      throw invalid(`There are ${total} letters now, and not ${expected}: plan again.`);
    const planned = {
      action,
      selection: toldOf(selection),
      total,
      perSecond,
      ...(provider === undefined ? {} : { provider }),
    };
    const subject = "ids" in selection ? `${selection.ids.length} letters` : JSON.stringify(selection.filter);
    // Whether money is among them is asked of each one as its turn comes.
    const id = await acting(
      context,
      who,
      { action, subject, isMoney: false, plan: planned },
      ({ by, reason }) =>
        createRun(records, { action, selection, perSecond, provider, by, reason, total, now }),
    );
    return publicRun(await there(id));
  };

  const resumed = async ({ id, action, role }: StoredRun, { by, reason }: Who): Promise<void> => {
    const entry = { by, action: "resume-run", subject: `run ${id}`, reason };
    const isEnough = mayResume(by.role, { action, role });
    await audit.append(isEnough ? entry : { ...entry, result: "refused: not permitted" }, context.now());
    if (!isEnough)
      throw new UnderstudyError(
        "not_permitted",
        `${by.name} is ${by.role}, and to resume what a ${role} began needs the role ${role}.`,
      );
  };

  return {
    plan,
    start,
    async drive(runId, { resume, signal = new AbortController().signal, onProgress = () => undefined } = {}) {
      const run = await there(runId);
      const who = resume === undefined ? undefined : checkWho(resume);
      if (run.state === "done" || (run.state === "stopped" && who === undefined)) return publicRun(run);
      if (who !== undefined) await resumed(run, who);
      const know = await knowledgeOf(context);
      const beginner = { by: { name: run.by, role: run.role }, reason: run.reason };
      await driveRun(runId, {
        records,
        search: searchOf(context, await familiesOf(context)),
        announce: (ids) => announce(run, beginner, ids),
        signal,
        isResumed: who !== undefined,
        onProgress: (progress) => onProgress(publicRun(progress)),
        now: context.now,
        act: (id) => actOn(id, run, beginner, know),
      });
      const ended = await there(runId);
      await audit.append(
        {
          by: who?.by ?? beginner.by,
          action: run.action,
          subject: `run ${runId}`,
          result: resultOf(ended),
        },
        context.now(),
      );
      return publicRun(ended);
    },
    async stop(runId, given) {
      const run = await there(runId);
      await acting(
        context,
        given,
        { action: "stop-run", subject: `run ${runId}`, isMoney: false },
        async () => {
          if (run.state !== "running") return `it was ${run.state}`;
          await records.set(runId, { state: "stopped", endedAt: String(context.now()) });
          return "stopped";
        },
      );
      return publicRun(await there(runId));
    },
    async run(runId) {
      const run = await readRun(records, runId);
      return run && publicRun(run);
    },
    async runs() {
      const ids = await records.list(LISTED);
      const all = await Promise.all(ids.map((id) => readRun(records, id)));
      return all.flatMap((run) => (run === undefined ? [] : [publicRun(run)]));
    },
    async reasonOf(search, filter, group, know) {
      const { found } = await search.page({ ...filter, group: [group] }, { order: "newest", limit: 1 });
      const [first] = found;
      return first === undefined ? "" : summaryOf(first, know).reason;
    },
  };

  /** What is deleted leaves nothing behind that could tell of it, so its name stands in the log before. */
  async function announce({ id, action }: Run, { by, reason }: Who, ids: readonly string[]): Promise<void> {
    if (action !== "discard" || ids.length === 0) return;
    const entry = { by, action, subject: `run ${id}`, reason, plan: { ids } };
    await audit.append(entry, context.now());
  }

  /** Whether they may is asked of each letter. */
  async function actOn(id: string, run: Run, who: Who, know: Knowledge): Promise<string> {
    const how = { run };
    switch (run.action) {
      case "redrive":
        return await deeds.redrive(id, who, know, { ...how, provider: run.provider });
      case "look-up":
        return await deeds.lookUp(id, who, how);
      case "release":
        return await deeds.release(id, who, how);
      case "discard":
        return await deeds.discard(id, who, how);
    }
  }
}

/** Very many ids would fill the log: how many, and a digest that tells them from others. */
function toldOf(selection: Selection): unknown {
  if ("filter" in selection) return selection;
  const digest = createHash("sha256").update(selection.ids.join("\n")).digest("hex");
  return { ids: selection.ids.length, sha256: digest };
}

async function planIds(
  context: Context,
  ids: readonly string[],
  planner: ReturnType<typeof createPlanner>,
): Promise<void> {
  for (const id of ids) {
    const found = await context.ask((redis) => findLetter(redis, context.namespace, id));
    if (found !== undefined) planner.add(found.stored);
  }
}

async function planFilter(
  search: LetterSearch,
  filter: LetterFilter,
  planner: ReturnType<typeof createPlanner>,
): Promise<void> {
  if (filter.text === undefined) {
    for await (const some of search.all(filter)) some.forEach(({ stored }) => planner.add(stored));
    return;
  }
  for (let after: Place | undefined; ;) {
    const page = await search.page(filter, { order: "oldest", after, limit: PLANNED_AT_ONCE });
    page.found.forEach(({ stored }) => planner.add(stored));
    if (page.next === undefined) return;
    after = page.next;
  }
}

function resultOf({ state, seen, done, left }: Run): string {
  const others = Object.entries(left).map(([answer, count]) => `, ${count} ${answer}`);
  return `${state}: ${seen} seen, ${done} done${others.join("")}`;
}

function publicRun(run: Run & Partial<StoredRun>): Run {
  const { drives: _, place: __, ...rest } = run;
  return rest;
}
