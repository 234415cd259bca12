import { type AnyJob, type AnyProvider, UnderstudyError } from "@understudy/core";
import { type LetterSearch, type SensitivePaths, searchLetters } from "@understudy/dead-letters";
import {
  type Family,
  knownFamilies,
  openRuns,
  type Producer,
  readWorkers,
  type Redis,
  type RunRecords,
  type WorkerInfo,
} from "@understudy/queue";

import { type AuditLog, openAuditLog } from "./audit.ts";
import type { Knowledge } from "./prospect.ts";

/** What every function of an operator works with. */
export interface Context {
  /** Asks Redis something that may be asked again, until the deadline. */
  readonly ask: <T>(question: (redis: Redis) => Promise<T>) => Promise<T>;
  readonly jobs: ReadonlyMap<string, AnyJob>;
  readonly providers: Readonly<Record<string, AnyProvider>>;
  readonly namespace: string | undefined;
  readonly now: () => number;
  /** How long one answer of Redis may take. */
  readonly deadlineMs: number;
}

export function contextOf(
  producer: Producer,
  options: {
    readonly jobs: readonly AnyJob[];
    readonly providers: Readonly<Record<string, AnyProvider>>;
    readonly namespace: string | undefined;
    readonly deadlineMs: number;
    readonly now: () => number;
  },
): Context {
  const { providers, namespace, deadlineMs, now } = options;
  return {
    ask: (question) => producer.ask(question, deadlineMs),
    jobs: new Map(options.jobs.map((job) => [job.name, job])),
    providers,
    namespace,
    now,
    deadlineMs,
  };
}

export async function familiesOf({ ask, namespace }: Context): Promise<readonly Family[]> {
  return await ask((redis) => knownFamilies(redis, namespace));
}

/** Payload paths that must not be searched or shown; undefined for jobs that this program does not know. */
function sensitiveOf({ jobs }: Context): SensitivePaths {
  return (name) => {
    const job = jobs.get(name);
    return job === undefined ? undefined : (job.sensitive ?? []);
  };
}

/** A search whose every step is asked again until the deadline. */
export function searchOf(context: Context, families: readonly Family[]): LetterSearch {
  const asked = <T>(question: (search: LetterSearch) => Promise<T>): Promise<T> =>
    context.ask((redis) => question(searchLetters(redis, families, sensitiveOf(context))));
  return {
    groups: (filter) => asked((search) => search.groups(filter)),
    count: (filter) => asked((search) => search.count(filter)),
    page: (filter, how) => asked((search) => search.page(filter, how)),
    // Asked again half-way it would begin anew: each step has its own time, and trouble is the end of it.
    async *all(filter) {
      const redis = await context.ask((connection) => Promise.resolve(connection));
      const steps = searchLetters(redis, families, sensitiveOf(context)).all(filter)[Symbol.asyncIterator]();
      for (;;) {
        const step = await withinDeadline(steps.next(), context.deadlineMs);
        if (step.done === true) return;
        yield step.value;
      }
    },
  };
}

async function withinDeadline<T>(work: Promise<T>, deadlineMs: number): Promise<T> {
  const giveUp = AbortSignal.timeout(deadlineMs);
  const late = new Promise<never>((_, reject) => {
    giveUp.addEventListener("abort", () =>
      reject(
        new UnderstudyError(
          "redis_unreachable",
          `Redis gave no answer within ${deadlineMs} ms. Nothing was changed: ask again.`,
        ),
      ),
    );
  });
  return await Promise.race([work, late]);
}

export async function workersOf({ ask, namespace }: Context): Promise<readonly WorkerInfo[]> {
  return await ask((redis) => readWorkers(redis, namespace));
}

export async function knowledgeOf(context: Context): Promise<Knowledge> {
  const routes = routesOf(await workersOf(context));
  return { jobs: context.jobs, providers: context.providers, routes };
}

/** Capability -> providers in order, of all workers together. */
export function routesOf(workers: readonly WorkerInfo[]): ReadonlyMap<string, readonly string[]> {
  const routes = new Map<string, readonly string[]>();
  for (const worker of workers) {
    for (const [capability, names] of Object.entries(worker.routes))
      routes.set(capability, [...new Set([...(routes.get(capability) ?? []), ...names])]);
  }
  return routes;
}

/** Run records whose every step is asked again until the deadline. */
export function runsOf(context: Context): RunRecords {
  const asked = <T>(question: (runs: RunRecords) => Promise<T>): Promise<T> =>
    context.ask((redis) => question(openRuns(redis, context.namespace)));
  return {
    create: (...args) => asked((runs) => runs.create(...args)),
    read: (...args) => asked((runs) => runs.read(...args)),
    list: (...args) => asked((runs) => runs.list(...args)),
    set: (...args) => asked((runs) => runs.set(...args)),
    // Asked again after a lost answer it would say that somebody drives it: it is ourselves.
    async acquire(id, token) {
      return (
        (await asked((runs) => runs.acquire(id, token))) ||
        (await asked((runs) => runs.progress(id, token, {}))) !== undefined
      );
    },
    progress: (...args) => asked((runs) => runs.progress(...args)),
    yield: (...args) => asked((runs) => runs.yield(...args)),
  };
}

export function auditOf(context: Context): AuditLog {
  const asked = <T>(question: (log: AuditLog) => Promise<T>): Promise<T> =>
    context.ask((redis) => question(openAuditLog(redis, context.namespace)));
  return {
    append: (entry, now, id = crypto.randomUUID()) => asked((log) => log.append(entry, now, id)),
    page: (page) => asked((log) => log.page(page)),
    verify: (after) => asked((log) => log.verify(after)),
  };
}
