import type { AnyJob, AnyProvider } from "@understudy/core";
import type { LetterFilter, ReleaseAnswer } from "@understudy/dead-letters";
import { familyOf, openProducer, pauseQueue, type RedisLocation } from "@understudy/queue";
import { readTransitions } from "@understudy/resilience";

import { acting } from "./acting.ts";
import { createBulk } from "./bulk.ts";
import { checkFilter, checkLimit, checkMay, checkNote, invalid, readPlace, writePlace } from "./check.ts";
import { auditOf, contextOf, familiesOf, knowledgeOf, searchOf } from "./context.ts";
import { direct, weigh } from "./directing.ts";
import { explain } from "./explain.ts";
import type { Operator, SeenAs, Who } from "./face.ts";
import { findLetter } from "./find-letter.ts";
import { isMoney, summaryOf, viewOf } from "./letter-view.ts";
import { createDeeds, isMoneyLetter, readPayload } from "./one-letter.ts";
import { viewQueues } from "./overview.ts";
import { viewProviders } from "./provider-views.ts";
import { restore, weighRestore } from "./restoring.ts";
import { type Action } from "./roles.ts";

export interface OperatorOptions {
  readonly redis: RedisLocation;
  readonly namespace?: string;
  /** The jobs that this program knows: what it does not know it treats as what must not happen twice. */
  readonly jobs: readonly AnyJob[];
  /** The providers that there may be, such as the whole catalogue: for how long they remember keys, and whether they look up. */
  readonly providers?: Readonly<Record<string, AnyProvider>>;
  /** How long an answer may take. Default 5,000 ms. */
  readonly deadlineMs?: number;
  readonly now?: () => number;
}

const DEADLINE_MS = 5000;
const TEXT_READS = 5000;

export function createOperator(options: OperatorOptions): Operator {
  const { redis, namespace, jobs, providers = {}, deadlineMs = DEADLINE_MS, now = Date.now } = options;
  const producer = openProducer(redis);
  const context = contextOf(producer, { jobs, providers, namespace, deadlineMs, now });
  const deeds = createDeeds(context);
  const bulk = createBulk(context, deeds);
  const audit = auditOf(context);

  const checked = async (filter: LetterFilter) => {
    const families = await familiesOf(context);
    checkFilter(
      filter,
      families.map(({ name }) => name),
    );
    return searchOf(context, families);
  };
  const deed = async <T extends string>(
    action: Action,
    id: string,
    who: Who,
    act: (who: Who) => Promise<T>,
  ): Promise<T> => {
    const isMoneyNow = await isMoneyLetter(context, id);
    const answer = await acting(context, who, { action, subject: id, isMoney: isMoneyNow }, act);
    // It came to be money between the question and the deed, which the deed itself has refused.
    if (answer === "not_permitted") checkMay(who, action, true);
    return answer;
  };
  const release = async (id: string, who: Who, how: SeenAs = {}): Promise<ReleaseAnswer> => {
    if (how.seen === undefined && (await isMoneyLetter(context, id)))
      throw invalid(
        `To release ${id}, say which death of it you have looked into: its version, as it was shown to you.`,
      );
    return await deeds.release(id, who, how);
  };
  const queueDeed = async (name: string, who: Who, isPaused: boolean): Promise<void> => {
    const families = await familiesOf(context);
    if (!families.some((family) => family.name === name))
      throw invalid(
        `There is no queue ${name}; there are ${families.map((family) => family.name).join(", ")}.`,
      );
    const action = isPaused ? "pause-queue" : "resume-queue";
    const holdsMoney = jobs.some(
      ({ queue, capability }) => queue === name && capability.duplicates === "forbidden",
    );
    await acting(context, who, { action, subject: name, isMoney: holdsMoney }, async () => {
      await context.ask((connection) => pauseQueue(connection, familyOf(name, namespace), isPaused));
      return isPaused ? "paused" : "resumed";
    });
  };

  return {
    async letters(filter, { limit = 50, after } = {}) {
      const search = await checked(filter);
      const size = checkLimit(limit);
      const place = readPlace(after);
      const know = await knowledgeOf(context);
      const [page, total] = await Promise.all([
        search.page(filter, { order: "newest", after: place, limit: size, maxRead: TEXT_READS }),
        filter.text === undefined ? search.count(filter) : undefined,
      ]);
      return {
        letters: page.found.map((found) => summaryOf(found, know)),
        ...(total === undefined ? { read: page.read } : { total }),
        ...(page.next === undefined ? {} : { next: writePlace(page.next) }),
      };
    },
    async groups(filter) {
      if (filter.text !== undefined) throw invalid("Groups cannot be searched for text: leave the text out.");
      const search = await checked(filter);
      const know = { jobs: context.jobs, providers, routes: new Map() };
      const found = (await search.groups(filter)).toSorted((one, other) => other.count - one.count);
      const groups = await Promise.all(
        found.map(async ({ family, facets, ...group }) => ({
          ...facets,
          ...group,
          queue: family.name,
          reason: await bulk.reasonOf(search, filter, group.group, know),
          isMoney: isMoney(facets.job, know),
        })),
      );
      return { groups, total: groups.reduce((sum, { count }) => sum + count, 0) };
    },
    async letter(id) {
      const know = await knowledgeOf(context);
      return await context.ask(async (connection) => {
        const found = await findLetter(connection, namespace, id);
        return found && (await viewOf(connection, found, know, now()));
      });
    },
    plan: (selection, how) => bulk.plan(selection, how),
    redrive: async (id, who, how) => {
      const know = await knowledgeOf(context);
      return await deed("redrive", id, who, (by) => deeds.redrive(id, by, know, how));
    },
    lookUp: (id, who, how) => deed("look-up", id, who, (by) => deeds.lookUp(id, by, how)),
    release: (id, who, how) => deed("release", id, who, (by) => release(id, by, how)),
    edit: (id, payload, who, how) => deed("edit", id, who, (by) => deeds.edit(id, payload, by, how)),
    async payload(id, who) {
      let found: Awaited<ReturnType<Operator["payload"]>>;
      await deed("read-payload", id, who, async () => {
        found = await readPayload(context, id);
        return found === undefined ? "gone" : "read";
      });
      return found;
    },
    discard: (id, who, how) => deed("discard", id, who, (by) => deeds.discard(id, by, how)),
    start: (how, who) => bulk.start(how, who),
    drive: (runId, how) => bulk.drive(runId, how),
    stop: (runId, who) => bulk.stop(runId, who),
    run: (runId) => bulk.run(runId),
    runs: () => bulk.runs(),
    explain: (id) => explain(context, id),
    queues: () => viewQueues(context),
    providers: () => viewProviders(context),
    transitions: async (limit = 50) => {
      const size = checkLimit(limit);
      return await context.ask((connection) => readTransitions(connection, namespace, size));
    },
    weigh: (order) => weigh(context, order),
    direct: (order, who) => direct(context, order, who),
    weighRestore: (about) => weighRestore(context, about),
    restore: (about, who) => restore(context, about, who),
    pauseQueue: (name, who) => queueDeed(name, who, true),
    resumeQueue: (name, who) => queueDeed(name, who, false),
    async perform({ action, subject, job }, who, work) {
      let done: { readonly value: Awaited<ReturnType<typeof work>>["value"] } | undefined;
      await acting(context, who, { action, subject, isMoney: isMoney(job, context) }, async () => {
        const { result, value } = await work();
        done = { value };
        return result;
      });
      if (done === undefined) throw new TypeError("what was performed has a value");
      return done.value;
    },
    async note({ by, action, subject, ...rest }) {
      checkNote(action, subject, rest.reason ?? "", rest.result ?? "");
      await audit.append({ by, action, subject, ...rest }, now());
    },
    audit: ({ limit = 50, before } = {}) => audit.page({ limit: checkLimit(limit), before }),
    verifyAudit: (after) => audit.verify(after),
    close: () => producer.close(),
    [Symbol.asyncDispose]: () => producer.close(),
  };
}
