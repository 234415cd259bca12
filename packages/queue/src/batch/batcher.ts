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
/** With so many script calls under way a small one waits for more to go with it, until one of them is answered. */
const ENOUGH = 3;

export function createBatcher({ redis, many, prefix, most }: BatcherParts): Batcher {
  let waiting: Group[] = [];
  /** Calls, those that wait included. */
  let underWay = 0;
  let scripts = 0;
  let isDue = false;

  const send = async (groups: readonly Group[], calls: readonly Call[]): Promise<void> => {
    scripts += 1;
    try {
      const answers = await many.run(redis, prefix, calls);
      let from = 0;
      for (const group of groups) group.settle(answers.slice(from, (from += group.calls.length)));
    } catch (error) {
      for (const { fail } of groups) fail(error);
    } finally {
      scripts -= 1;
      underWay -= calls.length;
      if (waiting.length > 0) flushSoon();
    }
  };

  const flush = (): void => {
    isDue = false;
    const size = Math.min(most, Math.max(LEAST, Math.ceil(underWay / SHARE)));
    const all = waiting;
    let groups: Group[] = [];
    let calls: Call[] = [];
    const sendThese = (): void => {
      void send(groups, calls);
      groups = [];
      calls = [];
    };
    waiting = [];
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
    if (groups.length === 0) return;
    if (scripts < ENOUGH) sendThese();
    else waiting = groups;
  };

  const flushSoon = (): void => {
    if (isDue) return;
    isDue = true;
    // When all that has come in has been heard, and never later: a lone caller waits for nobody.
    setImmediate(flush);
  };

  const run = (calls: readonly Call[], wait?: Pick<Wait, "isOver">): Promise<readonly Answer[]> => {
    const { promise, resolve, reject } = Promise.withResolvers<readonly Answer[]>();
    waiting.push({ calls, wait, settle: resolve, fail: reject });
    underWay += calls.length;
    flushSoon();
    return promise;
  };

  return {
    run,
    async one(call) {
      const [answer] = await run([call]);
      if (answer instanceof Error) throw answer;
      return answer;
    },
  };
}
