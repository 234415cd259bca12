import type { JobsOptions, RedisQueueBackend } from "bullmq";

import type { Adder } from "../adder.ts";
import type { Before, NewJob } from "../new-job.ts";
import { isScriptsLost } from "../trouble.ts";
import type { Mover, Side } from "./sides.ts";

/** A move of which many may go together. */
export type Step =
  | { readonly do: "fetch"; readonly token: string; readonly name?: string }
  | (Moving & {
      readonly do: "complete";
      readonly value?: unknown;
      readonly keep?: Keep;
      readonly log?: readonly string[];
      /** How long after the others' moment. */
      readonly lateMs?: number;
    })
  | (Moving & { readonly do: "fail"; readonly keep?: Keep; readonly attempts?: number })
  | (Moving & { readonly do: "delay"; readonly delayMs: number; readonly spendsAttempt?: boolean })
  | { readonly do: "log"; readonly id: string; readonly lines: readonly string[] };

interface Moving {
  readonly id: string;
  readonly token: string;
  readonly fetch?: boolean;
  readonly data?: string;
}

type Keep = JobsOptions["removeOnComplete"];
type Job = Parameters<RedisQueueBackend["moveToFailed"]>[0];

/** An answer, or { error }. */
export type Result = unknown;

/** Plain: one after the other. Fast: all together, which is made sure of. */
export async function move(
  side: Side,
  steps: readonly Step[],
  mover: Mover = side.mover,
): Promise<readonly Result[]> {
  side.moveSizes();
  const results = await inTurn(side, steps, async (step) => comparable(await take(mover, step)));
  const sizes = side.moveSizes();
  if (side.isFast && steps.length > 0 && (sizes.length !== 1 || sizes[0] !== steps.length))
    throw new Error(`${steps.length} moves went together as ${sizes.join(", ")}`);
  return results;
}

/** Plain: one after the other. Fast: as callers do that do not know of each other, all in one turn. */
export async function add(side: Side, jobs: readonly NewJob[]): Promise<readonly Result[]> {
  return await inTurn(side, jobs, (job) => addOne(side, job));
}

/** As one caller does: all of it in one step. */
export async function addTogether(side: Side, jobs: readonly NewJob[]): Promise<Result> {
  if (!side.isFast) return await resultOf(addAll(side, jobs));
  side.scriptsSent();
  const result = await resultOf(addWith(side.adder, jobs));
  const sent = side.scriptsSent();
  if (sent !== 1) throw new Error(`it went in ${sent} calls`);
  return result;
}

async function addAll(side: Side, jobs: readonly NewJob[]): Promise<readonly Before[]> {
  const all: Before[] = [];
  for (const job of jobs) all.push(...(await addOne(side, job)));
  return all;
}

/** Another file of tests may make the server forget its scripts, which ioredis learns in a transaction by its failure only. */
async function addOne({ adder }: Side, job: NewJob): Promise<readonly Before[]> {
  try {
    return await addWith(adder, [job]);
  } catch (error) {
    if (!isScriptsLost(error)) throw error;
    return await addWith(adder, [job]);
  }
}

/** @throws what the adder tells of */
export function addWith(adder: Adder, jobs: readonly NewJob[]): Promise<readonly Before[]> {
  return new Promise((resolve, reject) =>
    adder.add(jobs, { isOver: false }, (how) => (how instanceof Error ? reject(how) : resolve(how))),
  );
}

async function inTurn<T>(
  side: Side,
  all: readonly T[],
  start: (one: T) => Promise<unknown>,
): Promise<readonly Result[]> {
  if (side.isFast) return await Promise.all(all.map((one) => resultOf(start(one))));
  const results: Result[] = [];
  for (const one of all) results.push(await resultOf(start(one)));
  return results;
}

async function take(mover: Mover, step: Step): Promise<unknown> {
  const { backend } = mover;
  switch (step.do) {
    case "fetch":
      return await backend.moveToActive(step.token, step.name);
    case "log":
      return await mover.log(step.id, step.lines);
    case "complete":
      return await mover.complete({
        id: step.id,
        token: step.token,
        keep: step.keep ?? false,
        returnValue: JSON.stringify(step.value ?? { done: step.id }),
        fetchNext: step.fetch ?? false,
        data: step.data,
        log: step.log ?? [],
        finishedOn: Date.now() + (step.lateMs ?? 0),
      });
    case "fail": {
      const job = { id: step.id, opts: { attempts: step.attempts ?? 1 } } as Job;
      const { keep = false, token, fetch = false } = step;
      return await backend.moveToFailed(job, "boom", keep, token, fetch, fieldsOf(step));
    }
    case "delay": {
      const { id, delayMs, token, spendsAttempt = false, fetch = false } = step;
      const fields = fieldsOf(step);
      return await backend.moveToDelayed(id, Date.now(), delayMs, token, {
        skipAttempt: !spendsAttempt,
        fetchNext: fetch,
        ...(fields === undefined ? {} : { fieldsToUpdate: fields }),
      });
    }
  }
}

function fieldsOf({ data }: Moving): Record<string, string> | undefined {
  return data === undefined ? undefined : { data };
}

async function resultOf(promise: Promise<unknown>): Promise<Result> {
  try {
    return await promise;
  } catch (error) {
    const { message, code } = error as Error & { readonly code?: unknown };
    return { error: /WRONGTYPE|concatenate|not an integer/u.exec(message)?.[0] ?? message, code };
  }
}

/** Of a wait for a limit only that there is one: it is as long as Redis' clock says. */
function comparable(answer: unknown): unknown {
  if (isFinished(answer)) return { ...answer, result: comparable(answer.result) };
  if (!Array.isArray(answer)) return answer;
  const [job, id, limitedMs, delayUntil] = answer as readonly unknown[];
  return { job, id, isLimited: Number(limitedMs) > 0, delayUntil, length: answer.length };
}

function isFinished(answer: unknown): answer is { readonly result: unknown } {
  return typeof answer === "object" && answer !== null && "result" in answer;
}
