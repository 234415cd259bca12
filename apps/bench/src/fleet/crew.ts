import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

import type { Crew, Order, Report, Word } from "./worker.ts";

/** Workers of one fleet in processes of their own. */
export interface Fleet extends AsyncDisposable {
  readonly workers: readonly string[];
  /** What was said since it was last taken. */
  readonly moved: Extract<Word, { word: "moved" }>[];
  readonly changed: Extract<Word, { word: "changed" }>[];
  answer(how: "ok" | "fail" | "hang", only?: readonly string[]): void;
  /** Since the last one, of all processes together. */
  report(): Promise<Report>;
  /** SIGKILL to one process with all its workers. */
  kill(process: number): void;
}

export async function hireFleet(
  how: Omit<Crew, "workers"> & { readonly processes: number; readonly workersEach: number },
): Promise<Fleet> {
  const { processes, workersEach, ...crew } = how;
  const workers: string[] = [];
  const children: ChildProcess[] = [];
  const moved: Fleet["moved"] = [];
  const changed: Fleet["changed"] = [];
  for (let p = 0; p < processes; p += 1) {
    const own = Array.from({ length: workersEach }, (_, w) => `p${p}w${w}`);
    workers.push(...own);
    const child = fork(join(import.meta.dirname, "worker.ts"), [JSON.stringify({ ...crew, workers: own })], {
      execArgv: ["--conditions=@understudy/source"],
    });
    child.on("message", (word: Word) => {
      if (word.word === "moved") moved.push(word);
      else if (word.word === "changed") changed.push(word);
    });
    children.push(child);
  }
  await Promise.all(children.map((child) => hears(child, "up")));
  const alive = (): readonly ChildProcess[] => children.filter(({ connected }) => connected);
  const order = (one: Order): void => alive().forEach((child) => child.send(one));

  return {
    workers,
    moved,
    changed,
    answer: (answers, only) =>
      order({ order: "answer", how: answers, ...(only === undefined ? {} : { only }) }),
    async report() {
      const reports = alive().map((child) => hears(child, "report"));
      order({ order: "report" });
      const all = (await Promise.all(reports)).map((word) =>
        word.word === "report" ? word.report : undefined,
      );
      const sum = (of: (report: Report) => number): number =>
        all.reduce((total, report) => total + (report === undefined ? 0 : of(report)), 0);
      return {
        made: sum((report) => report.made),
        withheld: sum((report) => report.withheld),
        costUs: all.flatMap((report) => report?.costUs ?? []),
        lateMs: all.flatMap((report) => report?.lateMs ?? []),
        cpuMs: sum((report) => report.cpuMs),
      };
    },
    kill: (process) => void children[process]?.kill("SIGKILL"),
    async [Symbol.asyncDispose]() {
      const ended = alive().map((child) => once(child, "exit"));
      alive().forEach((child) => child.disconnect());
      await Promise.all(ended);
    },
  };
}

async function hears(child: ChildProcess, what: Word["word"]): Promise<Word> {
  const { promise, resolve, reject } = Promise.withResolvers<Word>();
  const listen = (word: Word): void => {
    if (word.word === what) resolve(word);
  };
  const died = (): void => reject(new Error(`a process of the fleet ended before it said "${what}"`));
  child.on("message", listen).once("exit", died);
  try {
    return await promise;
  } finally {
    child.off("message", listen).off("exit", died);
  }
}
