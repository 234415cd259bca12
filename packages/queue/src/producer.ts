import { setTimeout as sleep } from "node:timers/promises";

import { UnderstudyError } from "@understudy/core";
import type { Redis } from "ioredis";

import { type Adder, batchingAdder, type Before, type NewJob, plainAdder } from "./adder.ts";
import { usesBatches } from "./batch/backend.ts";
import { connectProducer, type RedisLocation } from "./connection.ts";
import { registerFamily } from "./families.ts";
import type { Family } from "./names.ts";
import { createPatience, type Wait } from "./patience.ts";
import { isConnectionTrouble, isScriptsLost, refused, unreachable } from "./trouble.ts";

export type { Before, NewJob } from "./adder.ts";

export type Added =
  | { readonly ok: true; readonly before: readonly Before[] }
  | { readonly ok: false; readonly error: unknown };

export interface Producer {
  /**
   * Adds the jobs in one atomic step; one whose id is taken changes nothing. Tries until the deadline.
   * @throws UnderstudyError redis_unreachable: the jobs may or may not be stored, adding them again is safe.
   * @throws UnderstudyError redis_refused: Redis said no.
   */
  add(family: Family, jobs: readonly NewJob[], deadlineMs: number): Promise<readonly Before[]>;
  /** Adds each group of jobs as `add` does, with an answer or that error for each. */
  addEach(
    family: Family,
    groups: readonly (readonly NewJob[])[],
    deadlineMs: number,
  ): Promise<readonly Added[]>;
  /**
   * Asks Redis something that may be asked again; tries until the deadline.
   * @throws UnderstudyError redis_unreachable, redis_refused
   */
  ask<T>(question: (redis: Redis) => Promise<T>, deadlineMs: number): Promise<T>;
  close(): Promise<void>;
}

/** @param onError told of connection trouble, which `add` reports too; must not throw */
export function openProducer(
  redis: RedisLocation,
  onError: (error: Error) => void = () => undefined,
): Producer {
  const connection = connectProducer(redis);
  connection.on("error", onError);
  const ready = readiness(connection);
  const isFast = usesBatches();
  const adders = new Map<string, Adder>();
  const patience = createPatience();
  let closed = false;

  const adderOf = (family: Family): Adder => {
    const adder = isFast ? batchingAdder(connection, family) : plainAdder(connection, family, onError);
    adders.set(family.prefix, adder);
    return adder;
  };

  const adderFor = async (family: Family, wait: Wait): Promise<Adder> => {
    if (connection.status !== "ready") await ready();
    if (!adders.has(family.prefix)) await registerFamily(connection, family);
    const adder = adders.get(family.prefix) ?? adderOf(family);
    // Whoever waited for this has been told that it failed: nothing may land after that if we can help it.
    if (wait.isOver) throw new Error("given up");
    return adder;
  };

  /** Tries again while the connection is at fault, until the deadline. */
  const insist = <T>(deadlineMs: number, advice: string, attempt: (wait: Wait) => Promise<T>): Promise<T> => {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    let trouble: unknown;
    const wait = patience.begin(deadlineMs, () => reject(unreachable(deadlineMs, trouble, advice)));
    const tryOn = async (): Promise<void> => {
      while (!wait.isOver) {
        if (closed) throw new UnderstudyError("client_closed", "This client was closed; create another one.");
        try {
          return resolve(await attempt(wait));
        } catch (error) {
          if (wait.isOver || error instanceof UnderstudyError) throw error;
          if (isScriptsLost(error)) connection.disconnect(true);
          else if (!isConnectionTrouble(error)) throw refused(error);
          trouble = error;
          await sleep(RETRY_MS);
        }
      }
    };
    tryOn()
      .catch(reject)
      .finally(() => wait.end());
    return promise;
  };

  return {
    async add(family, jobs, deadlineMs) {
      if (jobs.length === 0) return [];
      let tries = 0;
      const before = await insist(deadlineMs, addAdvice, async (wait) => {
        tries += 1;
        return await (await adderFor(family, wait)).add(jobs, wait);
      });
      return tries === 1 ? before : withoutOwn(jobs, before);
    },
    async addEach(family, groups, deadlineMs) {
      const added: (Added | undefined)[] = groups.map(() => undefined);
      let left = [...groups.keys()];
      let tries = 0;
      const attempt = async (wait: Wait): Promise<void> => {
        tries += 1;
        const isFirst = tries === 1;
        const tried = left;
        const again: number[] = [];
        let trouble: Error | undefined;
        const some = tried.map((index) => groups[index] ?? []);
        await (
          await adderFor(family, wait)
        ).addEach(some, wait, (n, how) => {
          const index = tried[n] ?? 0;
          if (!(how instanceof Error))
            added[index] = { ok: true, before: isFirst ? how : withoutOwn(some[n] ?? [], how) };
          else if (isConnectionTrouble(how) || isScriptsLost(how)) {
            again.push(index);
            trouble = how;
          } else added[index] = { ok: false, error: refused(how) };
        });
        left = again;
        if (trouble !== undefined) throw trouble;
      };
      const error: unknown = await insist(deadlineMs, addAdvice, attempt).catch((thrown: unknown) => thrown);
      return added.map((one) => one ?? { ok: false, error });
    },
    ask: (question, deadlineMs) =>
      insist(deadlineMs, askAdvice, async () => {
        await ready();
        return await question(connection);
      }),
    async close() {
      closed = true;
      await Promise.allSettled([...adders.values()].map((adder) => adder.close()));
      connection.disconnect();
    },
  };
}

/** After a lost answer, what we find may be what we ourselves stored. */
function withoutOwn(jobs: readonly NewJob[], before: readonly Before[]): readonly Before[] {
  return before.map((data, i) => (isOwn(jobs[i]?.data, data) ? undefined : data));
}

const RETRY_MS = 50;

const addAdvice =
  "The job may or may not be stored: enqueue it again with this error's idempotencyKey, which can never double it.";
const askAdvice = "Ask again: what was asked may have been done, and doing it twice changes nothing.";

/** Resolves when the connection can be written to; all who wait share one listener. */
function readiness(connection: Redis): () => Promise<void> {
  let coming: Promise<void> | undefined;
  return async () => {
    if (connection.status === "ready") return;
    coming ??= new Promise((resolve) => {
      connection.once("ready", () => {
        coming = undefined;
        resolve();
      });
    });
    await coming;
  };
}

/** Whether what stands there came from this very enqueue, however far its job has got since. */
function isOwn(sent: string | undefined, found: Before): boolean {
  if (sent === undefined || found === undefined) return false;
  const [one, other] = [sent, found].map(identityOf);
  return one !== undefined && one === other;
}

function identityOf(data: string): string | undefined {
  try {
    const { enqueuedAt, idempotencyKey, payload } = JSON.parse(data) as Record<string, unknown>;
    return typeof enqueuedAt === "number" ? JSON.stringify([enqueuedAt, idempotencyKey, payload]) : undefined;
  } catch {
    return undefined;
  }
}
