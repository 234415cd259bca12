import type { Redis } from "ioredis";

import type { Wait } from "../patience.ts";
import type { Answer, Call, Many } from "./many.ts";

/** Sends calls to Redis, those of one turn of the event loop together. */
export interface Batcher {
  /**
   * Calls that go in one script call, in order; each is answered by itself. Rejects when the script call failed that they were in.
   * @param wait nothing is sent any more when it is over
   */
  run(calls: readonly Call[], wait?: Pick<Wait, "isOver">): Promise<readonly Answer[]>;
  /** Many such, for one who asks for all of them: `ended` is told of each by itself, and of the error that `run` would reject with. */
  runEach(
    groups: readonly (readonly Call[])[],
    wait: Pick<Wait, "isOver">,
    ended: (index: number, how: readonly Answer[] | Error) => void,
  ): Promise<void>;
  /** @throws Error when this call failed */
  one(call: Call): Promise<Answer>;
}

interface Group {
  readonly calls: readonly Call[];
  readonly wait: Pick<Wait, "isOver"> | undefined;
  readonly settle: (answers: readonly Answer[]) => void;
  readonly fail: (error: unknown) => void;
}

interface BatcherParts {
  readonly redis: Redis;
  readonly many: Many;
  /** Of the queue's keys. */
  readonly prefix: string;
  /** More calls than this in one would hold up whoever else asks Redis meanwhile; a group is never cut in two. */
  readonly most: number;
}

/** What is under way is spread over so many script calls, so that Redis and this process do not take turns. */
const SHARE = 2.5;
const LEAST = 4;
const FADE = 0.95;
/** With so many script calls under way a small one waits for more to go with it, until one of them is answered. */
const ENOUGH = 3;

export function createBatcher({ redis, many, prefix, most }: BatcherParts): Batcher {
  let waiting: Group[] = [];
  let waitingCalls = 0;
  /** Calls, those that wait included. */
  let underWay = 0;
  /** The most of late: for a moment, between answers and what their callers do next, nothing is under way. */
  let peak = 0;
  let scripts = 0;
  let isDue = false;

  const send = async (groups: readonly Group[], calls: readonly Call[]): Promise<void> => {
    scripts += 1;
    peak = Math.max(underWay, peak * FADE);
    try {
      const answers = await many.run(redis, prefix, calls);
      let from = 0;
      for (const group of groups) group.settle(answers.slice(from, (from += group.calls.length)));
    } catch (error) {
      for (const { fail } of groups) fail(error);
    } finally {
      scripts -= 1;
      underWay -= calls.length;
      if (waiting.length > 0) flushLater();
    }
  };

  const sizeNow = (): number => Math.min(most, Math.max(LEAST, Math.ceil(Math.max(underWay, peak) / SHARE)));

  const flush = (withTheRest: boolean): void => {
    const size = sizeNow();
    const all = waiting;
    let groups: Group[] = [];
    let calls: Call[] = [];
    const sendThese = (): void => {
      void send(groups, calls);
      groups = [];
      calls = [];
    };
    [waiting, waitingCalls] = [[], 0];
    for (const group of all) {
      if (group.wait?.isOver === true) {
        underWay -= group.calls.length;
        group.fail(new Error("given up before it was sent"));
        continue;
      }
      groups.push(group);
      calls.push(...group.calls);
      if (calls.length >= most || (calls.length >= size && scripts < ENOUGH)) sendThese();
    }
    if (withTheRest && groups.length > 0 && scripts < ENOUGH) sendThese();
    [waiting, waitingCalls] = [groups, calls.length];
  };

  const flushRest = (): void => {
    isDue = false;
    flush(true);
  };

  const flushLater = (): void => {
    if (isDue) return;
    isDue = true;
    // When all that has come in has been heard, and never later. A lone caller does not even wait for that.
    if (scripts === 0) process.nextTick(flushRest);
    else setImmediate(flushRest);
  };

  const enter = (group: Group): void => {
    waiting.push(group);
    waitingCalls += group.calls.length;
    underWay += group.calls.length;
    // Redis begins with these while the callers of the others are still told of their answers.
    if (waitingCalls >= most || (scripts < ENOUGH && waitingCalls >= sizeNow())) flush(false);
    if (waiting.length > 0) flushLater();
  };

  const run = (calls: readonly Call[], wait?: Pick<Wait, "isOver">): Promise<readonly Answer[]> =>
    new Promise((settle, fail) => enter({ calls, wait, settle, fail }));

  return {
    run,
    runEach: (groups, wait, ended) =>
      new Promise((resolve) => {
        let left = groups.length;
        const end = (index: number, how: readonly Answer[] | Error): void => {
          ended(index, how);
          left -= 1;
          if (left === 0) resolve();
        };
        if (left === 0) resolve();
        for (const [index, calls] of groups.entries())
          enter({
            calls,
            wait,
            settle: (answers) => end(index, answers),
            fail: (error) => end(index, error instanceof Error ? error : new Error(String(error))),
          });
      }),
    async one(call) {
      const [answer] = await run([call]);
      if (answer instanceof Error) throw answer;
      return answer;
    },
  };
}
