import { asError } from "@understudy/core";

import type { Wait } from "../patience.ts";

/** Sends calls to Redis, those of one turn of the event loop together. */
export interface Batcher<Call, Answer = unknown> {
  /**
   * Calls that go in one script call, in order; each is answered by itself.
   * @param wait nothing is sent any more when it is over
   * @param ended told of the answers, or of why the script call failed that they were in; must not throw
   */
  send(calls: readonly Call[], wait: Pick<Wait, "isOver"> | undefined, ended: Ended<Answer>): void;
  /** @throws Error when this call failed */
  one(call: Call): Promise<Answer>;
}

type Ended<Answer> = (how: readonly (Answer | Error)[] | Error) => void;

/** A class, so that V8 makes it in the young generation: see docs/internals.md, "Many in one call". */
class Group<Call, Answer> {
  readonly calls: readonly Call[];
  readonly wait: Pick<Wait, "isOver"> | undefined;
  readonly ended: Ended<Answer>;

  constructor(calls: readonly Call[], wait: Pick<Wait, "isOver"> | undefined, ended: Ended<Answer>) {
    this.calls = calls;
    this.wait = wait;
    this.ended = ended;
  }
}

interface BatcherParts<Call, Answer> {
  /**
   * One script call, or two.
   * @returns an answer for each call, in order; an Error concerns that call alone. Rejects when the whole did not come through.
   */
  readonly run: (calls: readonly Call[]) => Promise<readonly (Answer | Error)[]>;
  /** More calls than this in one would hold up whoever else asks Redis meanwhile; a group is never cut in two. */
  readonly most: number;
}

/** What is under way is spread over so many script calls, so that Redis and this process do not take turns. */
const SHARE = 2.5;
const LEAST = 4;
const FADE = 0.95;
/** With so many script calls under way a small one waits for more to go with it, until one of them is answered. */
const ENOUGH = 3;

export function createBatcher<Call, Answer>({
  run,
  most,
}: BatcherParts<Call, Answer>): Batcher<Call, Answer> {
  let waiting: Group<Call, Answer>[] = [];
  let waitingCalls = 0;
  /** Calls, those that wait included. */
  let underWay = 0;
  /** The most of late: for a moment, between answers and what their callers do next, nothing is under way. */
  let peak = 0;
  let scripts = 0;
  let isDue = false;

  const ask = async (groups: readonly Group<Call, Answer>[], calls: readonly Call[]): Promise<void> => {
    scripts += 1;
    peak = Math.max(underWay, peak * FADE);
    let how: readonly (Answer | Error)[] | Error;
    try {
      how = await run(calls);
    } catch (error) {
      how = asError(error);
    }
    scripts -= 1;
    underWay -= calls.length;
    let from = 0;
    for (const group of groups)
      group.ended(how instanceof Error ? how : how.slice(from, (from += group.calls.length)));
    if (waiting.length > 0) flushLater();
  };

  const sizeNow = (): number => Math.min(most, Math.max(LEAST, Math.ceil(Math.max(underWay, peak) / SHARE)));

  const flush = (withTheRest: boolean): void => {
    const size = sizeNow();
    const all = waiting;
    const over: Group<Call, Answer>[] = [];
    let groups: Group<Call, Answer>[] = [];
    let calls: Call[] = [];
    const sendThese = (): void => {
      void ask(groups, calls);
      groups = [];
      calls = [];
    };
    [waiting, waitingCalls] = [[], 0];
    for (const group of all) {
      if (group.wait?.isOver === true) {
        underWay -= group.calls.length;
        over.push(group);
        continue;
      }
      groups.push(group);
      calls.push(...group.calls);
      if (calls.length >= most || (calls.length >= size && scripts < ENOUGH)) sendThese();
    }
    if (withTheRest && groups.length > 0 && scripts < ENOUGH) sendThese();
    [waiting, waitingCalls] = [groups, calls.length];
    // Last, for they may ask for the next thing at once.
    for (const { ended } of over) ended(new Error("given up before it was sent"));
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

  const send: Batcher<Call, Answer>["send"] = (calls, wait, ended) => {
    waiting.push(new Group(calls, wait, ended));
    waitingCalls += calls.length;
    underWay += calls.length;
    // Redis begins with these while the callers of the others are still told of their answers.
    if (waitingCalls >= most || (scripts < ENOUGH && waitingCalls >= sizeNow())) flush(false);
    if (waiting.length > 0) flushLater();
  };

  return {
    send,
    one: (call) =>
      new Promise((resolve, reject) =>
        send([call], undefined, (how) => {
          const answer = how instanceof Error ? how : how[0];
          if (answer instanceof Error) reject(answer);
          else resolve(answer as Answer);
        }),
      ),
  };
}
