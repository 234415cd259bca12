import { freemem } from "node:os";

import { fill } from "../fill.ts";
import { Stage } from "../stage.ts";
import {
  type Load,
  type Row,
  type Sample,
  type Scenario,
  type System,
  systems,
  type WorkOf,
} from "../types.ts";

/** As much as a waiting job takes at most, with what Redis needs to grow. */
const BYTES_PER_JOB = 1500;

const kinds = [
  { load: "plain", prefix: "backlog" },
  { load: "prioritised", prefix: "backlog-priority" },
  { load: "delayed", prefix: "backlog-delayed" },
] as const;

const sizes = [
  { label: "1k", standing: 1000 },
  { label: "10k", standing: 10_000 },
  { label: "100k", standing: 100_000 },
  { label: "1m", standing: 1_000_000 },
] as const;

interface Backlog {
  readonly name: string;
  readonly load: Load;
  readonly standing: number;
}

/**
 * With so many waiting: a slice is enqueued in bulk on top of them, then as many are worked off; jobs a second through both. Of those
 * that are due tomorrow only the enqueuing.
 */
export const backlogScenarios: readonly Scenario[] = kinds.flatMap(({ load, prefix }) => {
  const scenarios = sizes.map(({ label, standing }) =>
    underBacklog({ name: `${prefix}-${label}`, load, standing }),
  );
  return load === "plain" ? [...scenarios.slice(0, -1), millionBesideThousands()] : scenarios;
});

function underBacklog(backlog: Backlog): Scenario {
  const standing = createStanding(backlog);
  return {
    group: "backlog",
    rows: [{ name: backlog.name, figure: "perSecond", unit: "jobs/s" }],
    isWholeOnly: backlog.load !== "plain" || backlog.standing > 10_000,
    hindrance: () => hindranceOf(backlog),
    prepare: (stage) => standing.fill(stage),
    take: (stage, system) => standing.slice(stage, system),
    undo: (stage) => stage.empty(),
  };
}

/** A million in one Redis, and ten thousand in another, so that both are measured in the same round. */
function millionBesideThousands(): Scenario {
  const million: Backlog = { name: "backlog-1m", load: "plain", standing: 1_000_000 };
  const deep = createStanding(million);
  const shallow = createStanding({ name: "backlog-beside", load: "plain", standing: 10_000 });
  let beside: Stage | undefined;
  const share: Row = { name: million.name, figure: "share", unit: "of 10k", ratioOf: "perSecond" };
  return {
    group: "backlog",
    rows: [
      { ...share, requires: { of: "ours", atLeast: 0.9 } },
      { name: "backlog-1m-throughput", figure: "perSecond", unit: "jobs/s" },
    ],
    isWholeOnly: true,
    hindrance: () => hindranceOf(million),
    async prepare(stage) {
      beside = await Stage.open(stage.isSmoke);
      await shallow.fill(beside);
      await deep.fill(stage);
    },
    async take(stage, system) {
      const few = await shallow.slice(beside ?? stage, system);
      const many = await deep.slice(stage, system);
      const { perSecond = 0 } = many.figures;
      return {
        ...many,
        figures: { perSecond, share: perSecond / (few.figures["perSecond"] ?? 0) },
        others: Math.max(few.others ?? 0, many.others ?? 0),
        problems: [...few.problems, ...many.problems],
      };
    },
    async undo(stage) {
      await beside?.[Symbol.asyncDispose]();
      await stage.empty();
    },
  };
}

interface Standing {
  fill(stage: Stage): Promise<void>;
  slice(stage: Stage, system: System): Promise<Sample>;
}

/** Jobs of both systems that stand in a Redis together, so that the rounds can take turns. */
function createStanding({ name, load, standing }: Backlog): Standing {
  const namespaceOf = (system: System): string => `${system}-${name}`;
  let next = 0;
  return {
    async fill(stage) {
      const count = standingOf(stage, standing);
      await stage.empty();
      for (const system of systems)
        await fill(stage, { system, namespace: namespaceOf(system), load, count });
      next = count;
    },
    async slice(stage, system) {
      const jobs = stage.isSmoke ? 100 : sliceOf(load);
      const warm = Math.ceil(jobs / 4);
      const work: WorkOf<"backlog"> = { kind: "backlog", concurrency: 50, load, from: next, warm, jobs };
      next += warm + jobs;
      return await stage.sample(system, namespaceOf(system), work);
    },
  };
}

/** In the short form 2,000 are many. */
function standingOf({ isSmoke }: Stage, whole: number): number {
  return isSmoke ? Math.min(whole, 2000) : whole;
}

function sliceOf(load: Load): number {
  return load === "plain" ? 20_000 : 10_000;
}

function hindranceOf({ standing }: Backlog): string | undefined {
  const needed = systems.length * standing * BYTES_PER_JOB;
  return freemem() >= needed
    ? undefined
    : `has ${gigabytes(freemem())} GB of free memory, where ${gigabytes(needed)} are needed`;
}

const gigabytes = (bytes: number): string => (bytes / 1e9).toFixed(1);
