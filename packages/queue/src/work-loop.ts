/** What the loop of a worker needs to know and to do. */
export interface WorkLoopParts<Job> {
  /** How many jobs may run at once, those that are asked for included. */
  readonly concurrency: () => number;
  /** Whether nothing waited when it was last looked. */
  readonly isDrained: () => boolean;
  /** Whether no job may be asked for now. It is looked at again after each `rest`. */
  readonly isHeld: () => boolean;
  /** Whether one more may run. Whoever frees a slot otherwise than by the end of a job calls `look`. */
  readonly hasSlot: () => boolean;
  /** Whether the worker is paused or closed. */
  readonly isEnding: () => boolean;
  /** Waits for word that there may be one. Must not throw. @returns whether it came */
  readonly wait: () => Promise<boolean>;
  /** Must not throw. */
  readonly ask: () => Promise<Job | undefined>;
  /** Runs a job. @returns the next one, which came with the answer that this one is settled. Must not throw. */
  readonly run: (job: Job) => Promise<Job | undefined>;
  readonly rest: () => Promise<void>;
}

export interface WorkLoop {
  /** Something has changed: fetches what may be fetched. */
  readonly look: () => void;
  /** Whether a job that is settled may bring the next one. */
  readonly hasRoom: () => boolean;
  /** Once the worker is ending and nothing runs. */
  readonly ended: Promise<void>;
}

/**
 * Keeps the slots of a worker busy. Each job begins when it is here, and brings its successor when it is settled. Free slots are filled in
 * steps that double while there are jobs for all of one: those of a step go to Redis together, and a worker with much room does not ask
 * many times for nothing.
 */
export function createWorkLoop<Job>(parts: WorkLoopParts<Job>): WorkLoop {
  const { concurrency, isDrained, isHeld, hasSlot, isEnding } = parts;
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  let running = 0;
  let asked = 0;
  let step = 0;
  /** Word that was waited for comes once. What is heard of settled jobs meanwhile may be older. */
  let hasWord = false;
  let isFilling = false;
  let isResting = false;
  let isOver = false;

  const work = async (first: Job): Promise<void> => {
    running += 1;
    for (let job: Job | undefined = first; job !== undefined;) job = await parts.run(job);
    running -= 1;
    look();
  };

  /** @returns whether there was one */
  const ask = async (): Promise<boolean> => {
    asked += 1;
    const job = await parts.ask();
    asked -= 1;
    if (job !== undefined) void work(job);
    return job !== undefined;
  };

  const fill = async (): Promise<void> => {
    const most = Math.max(1, step);
    const asks: Promise<boolean>[] = [];
    while (asks.length < most && running + asked < concurrency() && hasSlot() && !isHeld()) asks.push(ask());
    if (asks.length > 0) hasWord = false;
    const found = (await Promise.all(asks)).filter(Boolean).length;
    step = found < most ? 0 : step * 2 || 1;
    // Those that have come are on their way before more are asked for.
    if (found > 0) await new Promise((resolve) => process.nextTick(resolve));
  };

  const ready = async (): Promise<void> => {
    isFilling = true;
    if (isDrained() && !hasWord) hasWord = await parts.wait();
    else await fill();
    isFilling = false;
    look();
  };

  const rest = async (): Promise<void> => {
    isResting = true;
    await parts.rest();
    isResting = false;
    look();
  };

  const look = (): void => {
    if (isOver || isFilling) return;
    if (isEnding()) {
      isOver = running === 0;
      if (isOver) end();
    } else if (running < concurrency()) {
      // What held it may be over before its time: a job that is settled may bring word of that.
      if (isHeld()) void (isResting || rest());
      else if (hasSlot()) void ready();
    }
  };

  return { look, hasRoom: () => running + asked <= concurrency(), ended };
}
