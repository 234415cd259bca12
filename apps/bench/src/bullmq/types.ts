import type { Stage } from "./stage.ts";

/** What is compared: the platform, and BullMQ without it. */
export const systems = ["ours", "bullmq"] as const;
export type System = (typeof systems)[number];

/** What each job carries besides its payload. `plain` is BullMQ's default; `own` is what our jobs always carry. */
export type Load = "plain" | "own" | "delayed" | "prioritised";

/** What a fresh process does, and measures. `warm` jobs come first and are not counted. */
export type Work =
  | {
      readonly kind: "enqueue";
      /** As many first, by a hundred callers. */
      readonly burst: number;
      readonly callers: number;
      /** Jobs in one call; 1 for one at a time. */
      readonly bulk: number;
      readonly load: Load;
      readonly warm: number;
      readonly jobs: number;
    }
  /** Drains what was filled in before. */
  | {
      readonly kind: "process";
      readonly concurrency: number;
      readonly warm: number;
      readonly jobs: number;
      readonly isTraced: boolean;
    }
  | {
      readonly kind: "call";
      readonly concurrency: number;
      /** What the bare worker asks with. */
      readonly http: "fetch" | "undici";
      readonly vendor: string;
      readonly warm: number;
      readonly jobs: number;
    }
  | {
      readonly kind: "end-to-end";
      readonly callers: number;
      readonly concurrency: number;
      readonly warm: number;
      readonly jobs: number;
    }
  | {
      readonly kind: "pick-up";
      readonly concurrency: number;
      readonly perSecond: number;
      /** As many first, as quickly as they go. */
      readonly burst: number;
      readonly warm: number;
      readonly jobs: number;
    }
  /** Enqueues a slice on top of what stands there; then works off as many. */
  | {
      readonly kind: "backlog";
      readonly concurrency: number;
      readonly load: Load;
      /** The number of the first of the slice. */
      readonly from: number;
      readonly warm: number;
      readonly jobs: number;
    };
export type WorkOf<Kind extends Work["kind"]> = Extract<Work, { readonly kind: Kind }>;

export interface Order<W extends Work = Work> {
  readonly system: System;
  readonly redis: string;
  readonly namespace: string;
  readonly work: W;
}

/** What came of one process. */
export interface Sample {
  /** By the word that a row asks for it with. */
  readonly figures: Readonly<Record<string, number>>;
  /** CPU of the measuring process and of Redis' main thread, a job. */
  readonly clientUs?: number;
  readonly redisUs?: number;
  /** Cores that programs of others used meanwhile. */
  readonly others?: number;
  /** What was not done exactly once. */
  readonly problems: readonly string[];
}

/** One line of the results: a figure of a scenario's samples, and what it must be. */
export interface Row {
  readonly name: string;
  readonly figure: string;
  readonly unit: string;
  readonly requires?: Demand;
  /** The figure whose ratio it is, where that is another one. */
  readonly ratioOf?: string;
  /** What stands in the place of bare BullMQ, where that is something else. */
  readonly beside?: string;
}

/** Of the ratio to BullMQ, unless it says "ours": of our own figure then. */
export interface Demand {
  readonly of: "ratio" | "ours";
  readonly atLeast?: number;
  readonly atMost?: number;
}

/** Something that is measured of both systems in turns. */
export interface Scenario {
  /** What it is found by besides its rows' names. */
  readonly group: string;
  readonly rows: readonly Row[];
  /** Takes too long for the short form. */
  readonly isWholeOnly?: boolean;
  /** Why it cannot be done on this machine. */
  readonly hindrance?: (stage: Stage) => string | undefined;
  /** Before its first round. */
  readonly prepare?: (stage: Stage) => Promise<void>;
  readonly take: (stage: Stage, system: System) => Promise<Sample>;
  /** After its last round. */
  readonly undo?: (stage: Stage) => Promise<void>;
}

export interface Round {
  readonly ours: number;
  readonly bullmq: number;
  readonly ratio: number;
}

/** A row with what was measured; the JSON of the bench holds these. */
export interface Result {
  readonly name: string;
  readonly ratioToBullmq: number;
  readonly ours: number;
  readonly bullmq: number;
  readonly unit: string;
  readonly rounds: readonly Round[];
}
