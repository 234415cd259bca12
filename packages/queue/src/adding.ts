import { setTimeout as sleep } from "node:timers/promises";

import { UnderstudyError } from "@understudy/core";

import type { Adder } from "./adder.ts";
import type { Family } from "./names.ts";
import type { Before, NewJob } from "./new-job.ts";
import type { Wait } from "./patience.ts";
import { isConnectionTrouble, isScriptsLost, refused, unreachable } from "./trouble.ts";

export type Added =
  | { readonly ok: true; readonly before: readonly Before[] }
  | { readonly ok: false; readonly error: unknown };

/** What a producer has for all that it adds. */
export interface AddingParts {
  /** Undefined while there is something to do first, which `prepare` does. */
  readonly adder: (family: Family) => Adder | undefined;
  readonly prepare: (family: Family) => Promise<Adder>;
  readonly begin: (deadlineMs: number, onOver: () => void) => Wait;
  readonly isClosed: () => boolean;
  /** Redis knows our scripts no more. */
  readonly onScriptsLost: () => void;
}

/**
 * Groups of jobs on their way to Redis. While the connection is at fault those that it concerns are tried again, until the deadline;
 * then each that has no answer yet is told that it may or may not be stored.
 */
export class Adding {
  /** An answer for each group. */
  readonly done: Promise<readonly Added[]>;
  readonly #family: Family;
  readonly #groups: readonly (readonly NewJob[])[];
  readonly #deadlineMs: number;
  readonly #parts: AddingParts;
  readonly #wait: Wait;
  // No literals, so that V8 makes them in the young generation: see docs/internals.md, "Many in one call".
  readonly #added: Added[] = Array.of();
  #resolve: (added: readonly Added[]) => void = () => undefined;
  #tries = 0;
  /** Groups that are to be tried again. */
  #again: number[] = Array.of();
  #trouble: unknown;
  /** Groups of this try without an answer. */
  #unheard = 0;

  constructor(
    family: Family,
    groups: readonly (readonly NewJob[])[],
    deadlineMs: number,
    parts: AddingParts,
  ) {
    this.#family = family;
    this.#groups = groups;
    this.#deadlineMs = deadlineMs;
    this.#parts = parts;
    this.done = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    this.#wait = parts.begin(deadlineMs, () => this.#giveUp());
    this.#try(groups.map((_, index) => index));
  }

  #try(indices: readonly number[]): void {
    if (this.#wait.isOver) return;
    if (indices.length === 0) return this.#end();
    if (this.#parts.isClosed()) return this.#fail(indices, closed());
    const adder = this.#parts.adder(this.#family);
    if (adder === undefined) void this.#prepare(indices);
    else this.#send(indices, adder);
  }

  async #prepare(indices: readonly number[]): Promise<void> {
    let adder: Adder;
    try {
      adder = await this.#parts.prepare(this.#family);
    } catch (error) {
      this.#unheard = indices.length;
      for (const index of indices) this.#hear(index, error);
      return;
    }
    // Whoever waited for this has been told that it failed: nothing may land after that if we can help it.
    if (!this.#wait.isOver) this.#send(indices, adder);
  }

  #send(indices: readonly number[], adder: Adder): void {
    this.#tries += 1;
    this.#unheard = indices.length;
    for (const index of indices)
      adder.add(this.#groups[index] ?? [], this.#wait, (how) => this.#hear(index, how));
  }

  #hear(index: number, how: unknown): void {
    if (this.#wait.isOver) return;
    if (Array.isArray(how)) this.#added[index] = { ok: true, before: this.#others(index, how) };
    else if (isConnectionTrouble(how) || isScriptsLost(how)) {
      this.#again.push(index);
      this.#trouble = how;
    } else this.#added[index] = { ok: false, error: how instanceof UnderstudyError ? how : refused(how) };
    this.#unheard -= 1;
    if (this.#unheard > 0) return;
    if (this.#again.length === 0) this.#end();
    else void this.#tryAgain();
  }

  async #tryAgain(): Promise<void> {
    const again = this.#again;
    this.#again = [];
    if (isScriptsLost(this.#trouble)) this.#parts.onScriptsLost();
    await sleep(RETRY_MS);
    this.#try(again);
  }

  /** After a lost answer, what we find may be what we ourselves stored. */
  #others(index: number, before: readonly Before[]): readonly Before[] {
    if (this.#tries === 1) return before;
    const jobs = this.#groups[index] ?? [];
    return before.map((data, n) => (isOwn(jobs[n]?.data, data) ? undefined : data));
  }

  #giveUp(): void {
    this.#fail(this.#groups.keys(), unreachable(this.#deadlineMs, this.#trouble, ADVICE));
  }

  /** Those that have no answer. */
  #fail(indices: Iterable<number>, error: unknown): void {
    for (const index of indices) this.#added[index] ??= { ok: false, error };
    this.#end();
  }

  #end(): void {
    this.#wait.end();
    this.#resolve(this.#added);
  }
}

export const RETRY_MS = 50;

const ADVICE =
  "The job may or may not be stored: enqueue it again with this error's idempotencyKey, which can never double it.";

export function closed(): UnderstudyError {
  return new UnderstudyError("client_closed", "This client was closed; create another one.");
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
