import { setTimeout as sleep } from "node:timers/promises";

import { UnderstudyError } from "@understudy/core";
import type { Redis } from "ioredis";

import { type Adder, batchingAdder, plainAdder } from "./adder.ts";
import { type Added, Adding, type AddingParts, closed, RETRY_MS } from "./adding.ts";
import { usesBatches } from "./batch/backend.ts";
import { connectProducer, type RedisLocation } from "./connection.ts";
import { registerFamily } from "./families.ts";
import type { Family } from "./names.ts";
import type { Before, NewJob } from "./new-job.ts";
import { createPatience } from "./patience.ts";
import { isConnectionTrouble, isScriptsLost, refused, unreachable } from "./trouble.ts";

export type { Added } from "./adding.ts";
export type { Before, NewJob } from "./new-job.ts";

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
  let isClosed = false;

  const adderOf = (family: Family): Adder => {
    const adder = isFast ? batchingAdder(connection, family) : plainAdder(connection, family, onError);
    adders.set(family.prefix, adder);
    return adder;
  };

  const parts: AddingParts = {
    adder: ({ prefix }) => (connection.status === "ready" ? adders.get(prefix) : undefined),
    async prepare(family) {
      await ready();
      if (!adders.has(family.prefix)) await registerFamily(connection, family);
      return adders.get(family.prefix) ?? adderOf(family);
    },
    begin: (deadlineMs, onOver) => patience.begin(deadlineMs, onOver),
    isClosed: () => isClosed,
    onScriptsLost: () => connection.disconnect(true),
  };
  const addEach: Producer["addEach"] = (family, groups, deadlineMs) =>
    new Adding(family, groups, deadlineMs, parts).done;

  /** Tries again while the connection is at fault, until the deadline. */
  const insist = <T>(deadlineMs: number, attempt: () => Promise<T>): Promise<T> => {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    let trouble: unknown;
    const wait = patience.begin(deadlineMs, () => reject(unreachable(deadlineMs, trouble, ASK_AGAIN)));
    const tryOn = async (): Promise<void> => {
      while (!wait.isOver) {
        if (isClosed) throw closed();
        try {
          return resolve(await attempt());
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
      const [added] = await addEach(family, [jobs], deadlineMs);
      if (added?.ok !== true) throw added?.error;
      return added.before;
    },
    addEach,
    ask: (question, deadlineMs) =>
      insist(deadlineMs, async () => {
        await ready();
        return await question(connection);
      }),
    async close() {
      isClosed = true;
      await Promise.allSettled([...adders.values()].map((adder) => adder.close()));
      connection.disconnect();
    },
  };
}

const ASK_AGAIN = "Ask again: what was asked may have been done, and doing it twice changes nothing.";

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
