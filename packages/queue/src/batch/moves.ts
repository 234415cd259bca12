import type { RedisQueueBackend, WorkerOptions } from "bullmq";
import { Packr } from "msgpackr";

import { KEEP_LOG_LINES } from "../new-job.ts";
import type { Answer } from "./answers.ts";
import type { Locking } from "./finish-many.ts";
import { type HandedOver, handedOver, withoutBrokenOptions } from "./handed-over.ts";
import { type Argument, type Call, type Command, KEYS } from "./move-many.ts";
import type { Mover } from "./mover.ts";

type Keep = Parameters<RedisQueueBackend["moveToCompleted"]>[2];

export interface Completion {
  readonly id: string;
  /** JSON. */
  readonly returnValue: string;
  readonly keep: Keep;
  readonly token: string;
  readonly finishedOn: number;
  readonly fetchNext: boolean;
  /** JSON; written in the same step. */
  readonly data: string | undefined;
  /** For the job's own log. */
  readonly log: readonly string[];
  /** What BullMQ's own script is given. */
  readonly parts: () => readonly unknown[];
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
  mover: Mover,
  locking: Locking,
): (completion: Completion) => Promise<Finished> {
  const internals = backend as unknown as Internals;
  const byItself = internals.execCommand.bind(backend);
  internals.execCommand = (client, command, parts) => {
    if (parts instanceof Ours) return parts.answer;
    if (!isTogether(command)) return byItself(client, command, parts);
    const call = commandOf(command, parts as readonly Argument[]);
    return mover.one({ finish: undefined, command: () => call });
  };
  const read = (id: string, answer: Answer): Finished | Promise<Finished> =>
    handedOver(answer) ?? backend.moveToFinished(id, new Ours(withoutBrokenOptions(answer)) as never);

  const { keys } = backend;
  const fetching = "wait active prioritized events stalled limiter delayed paused meta pc marker"
    .split(" ")
    .map((part) => keys[part] ?? "");
  const { limiter, metrics, lockDuration } = options;
  const isUsual = limiter === undefined && lockDuration === locking.lockMs;
  const fetch = async (token: string, name?: string) => {
    // As BullMQ's other moves do, so that all of a turn go in the order in which they were made.
    await backend.client;
    const at = Date.now();
    const isOrdinary = isUsual && token !== NOBODY && (name ?? "") === locking.name;
    const answer = await mover.one({
      finish: isOrdinary ? { ...NOTHING, token, at } : undefined,
      command: () => {
        const parts = packr.pack({ token, lockDuration, limiter, name });
        return { name: "moveToActive", keys: fetching, args: [backend.toKey(""), at, parts] };
      },
    });
    return read("", answer);
  };
  Object.assign(backend, { moveToActive: fetch });

  const isOrdinary = isUsual && metrics === undefined && (options.name ?? "") === locking.name;
  return async (completion) => {
    const { id, token, finishedOn, returnValue, fetchNext, data = "", keep, log, parts } = completion;
    const keepMs = isOrdinary && token !== NOBODY ? keepMsOf(keep) : undefined;
    const lines = log.length === 0 ? "" : linesAsText(log);
    const answer = await mover.one({
      finish:
        keepMs === undefined
          ? undefined
          : { id, token, at: finishedOn, fetches: fetchNext, keepMs, returnValue, data, lines },
      command: () => ({ ...commandOf("moveToFinished", parts() as readonly Argument[]), lines }),
    });
    return read(id, answer);
  };
}

export function logging(jobKey: string, lines: readonly string[], keep = KEEP_LOG_LINES): Call {
  const command: Command = { name: "addLogs", keys: [jobKey], args: [keep, linesAsText(lines)] };
  return { finish: undefined, command: () => command };
}

/** As the scripts take them, which drop empty ones. */
function linesAsText(lines: readonly string[]): string {
  return lines.map((line) => line.replaceAll("\0", "")).join("\0");
}

/** Of a lock that is none. */
const NOBODY = "0";

/** Completes no job, and fetches one. */
const NOTHING = { id: "", fetches: true, keepMs: 0, returnValue: "", data: "", lines: "" };

/** As BullMQ has it. */
const packr = new Packr({ useRecords: false, encodeUndefinedAsNil: true });

function isTogether(command: string): command is keyof typeof KEYS {
  return Object.hasOwn(KEYS, command);
}

function commandOf(name: keyof typeof KEYS, parts: readonly Argument[]): Command {
  return { name, keys: parts.slice(0, KEYS[name]) as string[], args: parts.slice(KEYS[name]) };
}

/** Undefined when it does not say for how long, or something else as well. */
function keepMsOf(keep: Keep): number | undefined {
  const isByAge = typeof keep === "object" && "age" in keep && keep.age > 0 && Object.keys(keep).length === 1;
  return isByAge ? keep.age * 1000 : undefined;
}
