import type { JobsOptions, KeepJobs, RedisQueueBackend, WorkerOptions } from "bullmq";

import { KEEP_LOG_LINES } from "../new-job.ts";
import type { Batcher } from "./batcher.ts";
import { type HandedOver, handedOver } from "./handed-over.ts";
import type { Answer, Argument, Call, Shared } from "./move-many.ts";

/** How many keys BullMQ's own calls have that go together. */
const KEYS = { moveToFinished: 14, moveToActive: 11, moveToDelayed: 11 } as const;

/** What BullMQ makes of jobs that say nothing of it. */
const USUAL_ATTEMPTS = 0;

type Keep = Parameters<RedisQueueBackend["moveToCompleted"]>[2];

export interface Completion {
  readonly id: string;
  /** JSON. */
  readonly returnValue: string;
  readonly keep: Keep;
  readonly attempts: JobsOptions["attempts"];
  readonly token: string;
  readonly finishedOn: number;
  readonly fetchNext: boolean;
  /** JSON; written in the same step. */
  readonly data: string | undefined;
  /** For the job's own log. */
  readonly log: readonly string[];
}

// Not for others in BullMQ's types, stable in its code; the contract tests hold the pinned version to it.
type Finished = HandedOver | Awaited<ReturnType<RedisQueueBackend["moveToFinished"]>>;

interface Internals {
  execCommand(client: unknown, command: string, parts: unknown): unknown;
}

/** An answer of ours on its way through BullMQ, which reads it as its own. */
class Ours {
  readonly answer: Answer;

  constructor(answer: Answer) {
    this.answer = answer;
  }
}

/**
 * Has a worker's fetches and moves go to Redis together.
 * @returns what completes a job: as BullMQ's moveToFinished, which answers for it
 */
export function batchMoves(
  backend: RedisQueueBackend,
  options: Pick<WorkerOptions, "lockDuration" | "name" | "limiter" | "metrics">,
  batcher: Pick<Batcher<Call>, "one">,
): (completion: Completion) => Promise<Finished> {
  const internals = backend as unknown as Internals;
  const byItself = internals.execCommand.bind(backend);
  internals.execCommand = (client, command, parts) => {
    if (parts instanceof Ours) return parts.answer;
    if (!isTogether(command)) return byItself(client, command, parts);
    const all = parts as readonly Argument[];
    const keys = all.slice(0, KEYS[command]) as readonly string[];
    return batcher.one({ kind: command, keys, args: all.slice(KEYS[command]) });
  };

  const { keys } = backend;
  const common = "wait active prioritized events stalled limiter delayed paused meta pc completed"
    .split(" ")
    .map((part) => keys[part] ?? "");
  // Which job's the twelfth is, the script knows.
  const completing = [...common, backend.toKey(""), backend.toKey("metrics:completed"), keys["marker"] ?? ""];
  const shared = sharedOptions(options);
  return async (completion) => {
    const { id, token, finishedOn, data = "", log } = completion;
    const answer = await batcher.one({
      kind: "complete",
      keys: completing,
      args: [
        id,
        String(finishedOn),
        completion.returnValue,
        completion.fetchNext ? "1" : "0",
        token,
        data,
        log.length === 0 ? "" : linesAsText(log),
      ],
      shared: shared(completion),
    });
    return handedOver(answer) ?? (await backend.moveToFinished(id, new Ours(answer) as never));
  };
}

/** As the script takes them, which is without NULs and empty lines. */
export function linesAsText(lines: readonly string[]): string {
  return lines.map((line) => line.replaceAll("\0", "")).join("\0");
}

function isTogether(command: string): command is keyof typeof KEYS {
  return Object.hasOwn(KEYS, command);
}

/** What the script is told of the worker and of the job, but for the lock's token. */
function sharedOptions({
  lockDuration = 0,
  name = "",
  limiter,
  metrics,
}: Pick<WorkerOptions, "lockDuration" | "name" | "limiter" | "metrics">) {
  const textsOf = (keep: KeepJobs, attempts: JobsOptions["attempts"]): Shared => {
    const options = {
      ...(name === "" ? {} : { name }),
      keepJobs: keep,
      limiter,
      lockDuration,
      attempts,
      maxMetricsSize: metrics?.maxDataPoints || "",
    };
    const isOrdinary = limiter === undefined && metrics === undefined && isByAge(keep);
    const keepMs = isOrdinary ? String(keep.age * 1000) : "";
    return [JSON.stringify(options), keepMs, String(lockDuration), String(KEEP_LOG_LINES), name];
  };
  // Nearly all jobs of a queue say the same.
  let [age, known]: [number | undefined, Shared] = [undefined, ["", "", "", "", ""]];
  return ({ keep, attempts }: Pick<Completion, "keep" | "attempts">): Shared => {
    const all = typeof keep === "object" ? keep : { count: keepCount(keep) };
    if (attempts !== USUAL_ATTEMPTS || !isByAge(all)) return textsOf(all, attempts);
    if (all.age !== age) [age, known] = [all.age, textsOf(all, attempts)];
    return known;
  };
}

/** Whether it says for how long, and nothing else. */
function isByAge(keep: KeepJobs): keep is { age: number } {
  return "age" in keep && keep.age > 0 && Object.keys(keep).length === 1;
}

function keepCount(keep: Exclude<Keep, object>): number {
  if (typeof keep === "number") return keep;
  return keep ? 0 : -1;
}
